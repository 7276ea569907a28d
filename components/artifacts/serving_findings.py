"""The ServingValidator's findings: `serving.json`, read and written without TFX and TensorFlow."""

import dataclasses
import pathlib

import pydantic

SERVING_FILE = "serving.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a served model."""

    name: str  # such as "batch_sizes"
    passed: bool
    message: str  # the outcome, with its numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Latency:
    """The latency of one request to a signature, in a process that does nothing else."""

    signature: str
    batch_size: int  # images a request
    requests: int  # that were timed
    p50_seconds: float
    p95_seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServingFindings:
    """Whether a model serves, and why (not)."""

    checks: tuple[Check, ...]
    latencies: tuple[Latency, ...]  # empty if the model could not be loaded
    load_seconds: float | None  # until the first prediction; None if it could not be loaded
    peak_memory_bytes: int | None  # of the fresh process, TensorFlow included
    tensorflow_version: str | None  # of the fresh process

    @property
    def is_blessed(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the checks that were not passed; empty when blessed."""
        return tuple(check.message for check in self.checks if not check.passed)


_FINDINGS = pydantic.TypeAdapter(ServingFindings)


def write_findings(findings: ServingFindings, folder: pathlib.Path) -> None:
    """Writes `serving.json`."""
    (folder / SERVING_FILE).write_bytes(_FINDINGS.dump_json(findings, indent=2))


def read_findings(folder: pathlib.Path) -> ServingFindings:
    """Reads `serving.json`.

    Args:
        folder: Of the ServingValidator's output `blessing`.

    Returns:
        The findings.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If `write_findings` did not write it.
    """
    return _FINDINGS.validate_json((folder / SERVING_FILE).read_bytes())
