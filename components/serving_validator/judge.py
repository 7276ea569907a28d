"""Judges what a served model answered, how fast, and with how much memory.

Axes: records, batch, classes.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from components.artifacts.serving_findings import Check, Latency, ServingFindings
from components.serving_validator import agreement
from components.serving_validator.process import Answers, Death
from components.serving_validator.requests import Plan

STRANGERS = frozenset({"pipeline", "components", "models", "tfx", "tfx_bsl", "tensorflow_transform"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budgets:
    """What a served model may differ, take and need."""

    tolerance: float  # of a probability
    max_batch_1_p50_seconds: float  # of a request with one image
    max_batch_1_p95_seconds: float
    max_batch_32_p50_seconds: float  # of a request with 32 images
    max_batch_32_p95_seconds: float
    max_memory_mib: int  # of the fresh process

    def find_limits(self, batch_size: int) -> tuple[float, float]:
        """Returns the seconds that half and 95 % of the requests may take."""
        return {
            1: (self.max_batch_1_p50_seconds, self.max_batch_1_p95_seconds),
            32: (self.max_batch_32_p50_seconds, self.max_batch_32_p95_seconds),
        }[batch_size]


def judge(
    plan: Plan,
    outcome: Answers | Death,
    expected: np.ndarray,
    budgets: Budgets,
    *,
    is_served_by_docker: bool | None = None,
) -> ServingFindings:
    """Judges a model by everything that it was asked.

    Args:
        plan: What it was asked.
        outcome: What it answered, or how its process died.
        expected: The trainer's own answers to the records, float32 [records, classes].
        budgets: What is allowed.
        is_served_by_docker: What TFX's InfraValidator found; None: it was not asked.

    Returns:
        The findings; after a death or a failure to load, there are no checks but those that can be told.
    """
    docker = [] if is_served_by_docker is None else [_judge_docker(is_served=is_served_by_docker)]
    if isinstance(outcome, Death):
        return _find([Check(name="process", passed=False, sentence=outcome.sentence), *docker])
    checks = [_judge_isolation(outcome), _judge_loading(outcome)]
    latencies: tuple[Latency, ...] = ()
    if outcome.load_error is None:
        said = agreement.collect(plan, outcome.answers, expected)
        checks += agreement.judge(said, budgets.tolerance)
        latencies = tuple(_measure(plan, outcome))
        checks.append(_judge_latencies(latencies, len(plan.timings), budgets))
    checks.append(_judge_memory(outcome.peak_memory_bytes, budgets.max_memory_mib))
    return _find([*checks, *docker], latencies, outcome)


def _find(checks: list[Check], latencies: tuple[Latency, ...] = (), outcome: Answers | None = None) -> ServingFindings:
    return ServingFindings(
        checks=tuple(checks),
        latencies=latencies,
        load_seconds=outcome.load_seconds if outcome else None,
        peak_memory_bytes=outcome.peak_memory_bytes if outcome else None,
        tensorflow_version=outcome.tensorflow_version if outcome else None,
    )


def _judge_isolation(outcome: Answers) -> Check:
    found = sorted(STRANGERS & outcome.modules)
    missing = "neither this project nor TFX nor tensorflow_transform was imported"
    return Check(
        name="isolation",
        passed=not found,
        sentence=f"the fresh process imported {', '.join(found)}, which a server has not" if found else missing,
    )


def _judge_loading(outcome: Answers) -> Check:
    if outcome.load_error is not None:
        sentence = f"the model cannot be loaded with TensorFlow {outcome.tensorflow_version}: {outcome.load_error}"
        return Check(name="loading", passed=False, sentence=sentence)
    seconds = f"{outcome.load_seconds:.1f} seconds"
    sentence = f"TensorFlow {outcome.tensorflow_version} alone loads the model and has its first answer after {seconds}"
    return Check(name="loading", passed=True, sentence=sentence)


def _measure(plan: Plan, outcome: Answers) -> Iterator[Latency]:
    for timing, seconds in zip(plan.timings, outcome.seconds, strict=True):
        if seconds:
            p50, p95 = np.percentile(seconds, (50, 95)).tolist()
            yield Latency(
                signature=timing.signature,
                batch_size=len(timing.rows),
                requests=len(seconds),
                p50_seconds=p50,
                p95_seconds=p95,
            )


def _judge_latencies(latencies: tuple[Latency, ...], planned: int, budgets: Budgets) -> Check:
    """Names the timings beyond their budget, else the one that comes nearest to it."""
    if len(latencies) < planned:
        sentence = f"of {planned} sorts of requests to be timed, {planned - len(latencies)} got no answer"
        return Check(name="latency", passed=False, sentence=sentence)
    limits = [budgets.find_limits(latency.batch_size) for latency in latencies]
    shares = [_find_share(latency, limit) for latency, limit in zip(latencies, limits, strict=True)]
    told = [_describe_latency(latency, limit) for latency, limit in zip(latencies, limits, strict=True)]
    slow = [words for share, words in zip(shares, told, strict=True) if share > 1]
    sentence = "; ".join(slow) or f"nearest to its budget: {told[int(np.argmax(shares))]}"
    return Check(name="latency", passed=not slow, sentence=sentence)


def _find_share(latency: Latency, limits: tuple[float, float]) -> float:
    """Returns how much of its budget the more expensive of the two takes."""
    measured = (latency.p50_seconds, latency.p95_seconds)
    return max(value / limit if limit else np.inf for value, limit in zip(measured, limits, strict=True))


def _describe_latency(latency: Latency, limits: tuple[float, float]) -> str:
    images = "1 image" if latency.batch_size == 1 else f"{latency.batch_size} images"
    p50, p95, p50_limit, p95_limit = (
        f"{1000 * seconds:,.1f}" for seconds in (latency.p50_seconds, latency.p95_seconds, *limits)
    )
    return (
        f"half of the requests with {images} to {latency.signature} take up to {p50} milliseconds, 95 % up to {p95}; "
        f"allowed are {p50_limit} and {p95_limit}"
    )


def _judge_memory(peak_bytes: int, max_mib: int) -> Check:
    sentence = f"the fresh process needs {peak_bytes / 2**20:,.0f} MiB at most; allowed are {max_mib:,}"
    return Check(name="memory", passed=peak_bytes <= max_mib * 2**20, sentence=sentence)


def _judge_docker(*, is_served: bool) -> Check:
    verb = (
        "loads the model and answers" if is_served else "did not load the model or did not answer; the log tells more"
    )
    return Check(name="docker", passed=is_served, sentence=f"TensorFlow Serving in docker {verb}")
