"""The steps and artifacts behind a run, from ML Metadata."""

import dataclasses
import pathlib
from collections.abc import Collection, Mapping

from components.artifacts.lineage import ArtifactRecord
from components.metadata.lineage import format_utc, list_artifacts
from components.metadata.records import Execution, Records
from components.metadata.run_record import measure_seconds


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A step of the run."""

    name: str
    state: str  # of ML Metadata, in lower case: complete, cached, failed, running
    seconds: float | None  # of the execution that did the work; None: it did not end
    run_id: str  # of the run that did the work
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """The content of ML Metadata about a run."""

    run_id: str
    began: str  # date and time, UTC
    steps: tuple[StepRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]  # in the order in which they were made


def read_provenance(
    metadata_path: pathlib.Path, run_id: str | None, skip: Collection[str] = ("Report",)
) -> Provenance | None:
    """Reads a run.

    Args:
        metadata_path: The sqlite file of ML Metadata; it is missing on a cluster.
        run_id: None: the newest run.
        skip: Steps to leave out; a page cannot describe the end of the step that writes it.

    Returns:
        The steps, and all artifacts that they made or used directly or indirectly; None without the file.
    """
    if not metadata_path.is_file():
        return None
    records = Records(metadata_path)
    run_id = run_id or records.run_ids[-1]
    steps = {name: step for name, step in records.steps(run_id).items() if name not in skip}
    made = [(artifact, "") for step in steps.values() for artifact in records.outputs(step)]
    return Provenance(
        run_id=run_id,
        began=format_utc(1000 * records.began(run_id)),
        steps=tuple(_record_step(records, name, step) for name, step in steps.items()),
        artifacts=list_artifacts(records, records.walk_back(made)),
    )


def _record_step(records: Records, name: str, execution: Execution) -> StepRecord:
    is_cached = execution.last_known_state == Execution.CACHED
    worker = (records.find_maker(records.outputs(execution)[0]) if is_cached else None) or execution
    has_ended = worker.last_known_state in (Execution.COMPLETE, Execution.FAILED)
    return StepRecord(
        name=name,
        state=Execution.State.Name(execution.last_known_state).lower(),
        seconds=measure_seconds(worker) if has_ended else None,
        run_id=records.runs_of(worker)[0],
        parameters={name: value.string_value for name, value in execution.custom_properties.items()},
    )
