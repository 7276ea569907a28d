"""Where a run's model comes from: its steps and artifacts in ML Metadata."""

import dataclasses
import datetime
import pathlib
from collections.abc import Iterable, Mapping

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from components.pusher.ledger import CACHE_INPUT

_OUTPUTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
_INPUTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_STATES = metadata_store_pb2.Execution.State
_LEFT_OUT = ("Report", "Bless", "Rollback")  # the page cannot tell of its own end; the others are no steps


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


class _Store:
    """The store with what a page asks of it."""

    def __init__(self, path: pathlib.Path) -> None:
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(path)
        connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        self.store = mlmd.MetadataStore(connection)

    def find_context(self, execution_id: int, kind: str) -> str:
        contexts = self.store.get_contexts_by_execution(execution_id)
        return next((context.name for context in contexts if context.type == kind), "").rpartition(".")[2]

    def find_run(self, execution_id: int) -> str:
        contexts = self.store.get_contexts_by_execution(execution_id)
        runs = sorted((c for c in contexts if c.type == "pipeline_run"), key=lambda context: context.id)
        return runs[0].name if runs else ""

    def ids(self, execution_id: int, kinds: tuple[int, ...]) -> list[int]:
        events = self.store.get_events_by_execution_ids([execution_id])
        return sorted({event.artifact_id for event in events if event.type in kinds and not _is_for_the_cache(event)})

    def find_maker(self, artifact_id: int) -> metadata_store_pb2.Execution | None:
        """Returns the execution that made an artifact, not those that took it from the cache."""
        events = self.store.get_events_by_artifact_ids([artifact_id])
        makers = sorted(event.execution_id for event in events if event.type in _OUTPUTS)
        return self.store.get_executions_by_id(makers[:1])[0] if makers else None


def _is_for_the_cache(event: metadata_store_pb2.Event) -> bool:
    return any(step.key == CACHE_INPUT for step in event.path.steps)


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
    store = _Store(metadata_path)
    runs = sorted(store.store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
    run = next(run for run in reversed(runs) if run_id in (None, run.name))
    named = [
        (store.find_context(execution.id, "node"), execution)
        for execution in sorted(store.store.get_executions_by_context(run.id), key=lambda execution: execution.id)
    ]
    steps = [(name, execution) for name, execution in named if name not in _LEFT_OUT]
    made = [artifact for _, execution in steps for artifact in store.ids(execution.id, _OUTPUTS)]
    return Provenance(
        run_id=run.name,
        began=_format_time(run.create_time_since_epoch),
        steps=tuple(_record_step(store, name, execution, peaks, run.name) for name, execution in steps),
        artifacts=tuple(_trace(store, made, metadata_path.resolve().parent)),
        data_folder=_find_data(steps),
    )


def _record_step(
    store: _Store,
    name: str,
    execution: metadata_store_pb2.Execution,
    peaks: Mapping[tuple[str, str], int],
    run_id: str,
) -> StepRecord:
    outputs = store.ids(execution.id, _OUTPUTS)
    is_cached = execution.last_known_state == _STATES.CACHED
    worker = (store.find_maker(outputs[0]) if is_cached and outputs else None) or execution
    worked_in = run_id if worker is execution else store.find_run(worker.id)
    has_ended = worker.last_known_state in (_STATES.COMPLETE, _STATES.FAILED)
    seconds = (worker.last_update_time_since_epoch - worker.create_time_since_epoch) / 1000
    return StepRecord(
        name=name,
        state=_STATES.Name(execution.last_known_state).lower(),
        seconds=seconds if has_ended else None,
        run_id=worked_in,
        peak_bytes=peaks.get((worked_in, name)),
        parameters=dict(_read_parameters(execution)),
    )


def _read_parameters(execution: metadata_store_pb2.Execution) -> Iterable[tuple[str, str | int | float]]:
    for name, value in sorted(execution.custom_properties.items()):
        content = getattr(value, value.WhichOneof("value") or "string_value")
        if isinstance(content, str | int | float):
            yield name, content


def _trace(store: _Store, artifact_ids: Iterable[int], root: pathlib.Path) -> Iterable[ArtifactRecord]:
    """Walks up from artifacts to all that they were made from."""
    sources: dict[int, tuple[int, ...]] = {}
    makers: dict[int, metadata_store_pb2.Execution] = {}
    waiting = sorted(set(artifact_ids))
    while waiting:
        artifact_id = waiting.pop()
        maker = store.find_maker(artifact_id)
        if artifact_id in sources or maker is None:
            continue
        makers[artifact_id] = maker
        sources[artifact_id] = tuple(store.ids(maker.id, _INPUTS))
        waiting += sources[artifact_id]
    for artifact in sorted(store.store.get_artifacts_by_id(list(sources)), key=lambda artifact: artifact.id):
        folder = pathlib.PurePath(artifact.uri)
        maker = makers[artifact.id]
        yield ArtifactRecord(
            id=artifact.id,
            kind=artifact.type.rpartition(".")[2],
            step=store.find_context(maker.id, "node"),
            run_id=store.find_run(maker.id),
            made=_format_time(artifact.create_time_since_epoch),
            folder=str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder),
            sources=sources[artifact.id],
        )


def _find_data(steps: Iterable[tuple[str, metadata_store_pb2.Execution]]) -> str | None:
    for name, execution in steps:
        for key, value in execution.custom_properties.items():
            if name == "ExampleGen" and key.endswith("tfds_dir"):
                return value.string_value
    return None


def _format_time(milliseconds: int) -> str:
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
