"""Where a run's model comes from: its steps and artifacts in ML Metadata."""

import dataclasses
import datetime
import pathlib
from collections.abc import Iterable, Mapping

from components.metadata.records import Ancestor, Execution, Records

_UNFINISHED = ("Report",)  # the page cannot tell of its own end


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A step of the run."""

    name: str
    state: str  # of ML Metadata, in lower case: complete, cached, failed, running
    seconds: float | None  # of the execution that did the work; None: it did not end
    run_id: str  # in which the work was done
    peak_bytes: int | None  # None: not measured
    parameters: Mapping[str, str | int | float] = dataclasses.field(default_factory=dict)  # that the step was given


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArtifactRecord:
    """Something that the run made or used."""

    id: int
    kind: str  # such as "Examples"
    step: str  # that made it
    run_id: str  # in which it was made
    made: str  # date and time, UTC
    folder: str  # below the root where it is
    sources: tuple[int, ...]  # ids of what it was made from


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """What ML Metadata holds of a run."""

    run_id: str
    began: str  # date and time, UTC
    steps: tuple[StepRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]  # what comes later stands later
    data_folder: str | None  # of the TFDS dataset; None: not known


def read_provenance(
    metadata_path: pathlib.Path, peaks: Mapping[tuple[str, str], int], run_id: str | None
) -> Provenance:
    """Reads a run.

    Args:
        metadata_path: The sqlite file of ML Metadata.
        peaks: Of `memory.read_peaks`.
        run_id: None: the newest run, which is the one that goes on.

    Returns:
        Its steps and all that they used, directly or not.
    """
    records = Records(metadata_path)
    run_id = run_id or records.run_ids[-1]
    steps = {name: step for name, step in records.steps(run_id).items() if name not in _UNFINISHED}
    made = [(artifact, "") for step in steps.values() for artifact in records.outputs(step)]
    ancestors = sorted(records.walk_back(made), key=lambda ancestor: ancestor.artifact.id)
    root = metadata_path.resolve().parent
    return Provenance(
        run_id=run_id,
        began=_format_time(1000 * records.began(run_id)),
        steps=tuple(_record_step(records, name, step, peaks, run_id) for name, step in steps.items()),
        artifacts=tuple(_record_artifact(records, ancestor, root) for ancestor in ancestors),
        data_folder=_find_data(steps),
    )


def _record_step(
    records: Records, name: str, execution: Execution, peaks: Mapping[tuple[str, str], int], run_id: str
) -> StepRecord:
    outputs = records.outputs(execution)
    is_cached = execution.last_known_state == Execution.CACHED
    worker = (records.find_maker(outputs[0]) if is_cached and outputs else None) or execution
    worked_in = run_id if worker is execution else records.runs_of(worker)[0]
    has_ended = worker.last_known_state in (Execution.COMPLETE, Execution.FAILED)
    seconds = (worker.last_update_time_since_epoch - worker.create_time_since_epoch) / 1000
    return StepRecord(
        name=name,
        state=Execution.State.Name(execution.last_known_state).lower(),
        seconds=seconds if has_ended else None,
        run_id=worked_in,
        peak_bytes=peaks.get((worked_in, name)),
        parameters=dict(_read_parameters(execution)),
    )


def _record_artifact(records: Records, ancestor: Ancestor, root: pathlib.Path) -> ArtifactRecord:
    artifact, folder = ancestor.artifact, pathlib.PurePath(ancestor.artifact.uri)
    return ArtifactRecord(
        id=artifact.id,
        kind=artifact.type.rpartition(".")[2],
        step=records.name_step(ancestor.maker),
        run_id=next(iter(records.runs_of(ancestor.maker)), ""),
        made=_format_time(artifact.create_time_since_epoch),
        folder=str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder),
        sources=ancestor.sources,
    )


def _read_parameters(execution: Execution) -> Iterable[tuple[str, str | int | float]]:
    for name, value in sorted(execution.custom_properties.items()):
        content = getattr(value, value.WhichOneof("value") or "string_value")
        if isinstance(content, str | int | float):
            yield name, content


def _find_data(steps: Mapping[str, Execution]) -> str | None:
    properties = steps["ExampleGen"].custom_properties if "ExampleGen" in steps else {}
    return next((value.string_value for key, value in properties.items() if key.endswith("tfds_dir")), None)


def _format_time(milliseconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
