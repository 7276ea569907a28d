"""A snapshot of ML Metadata: runs, executions, artifacts, and their graph."""

import dataclasses
import datetime
import pathlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import ml_metadata as mlmd
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from ml_metadata.proto.metadata_store_pb2 import Artifact, Event, Execution

from components.errors import DataFailure, UsageFailure
from components.metadata.snapshot import take_snapshot

BLESS_NODE = "Bless"  # of manual actions, which are no steps of the DAG
ROLLBACK_NODE = "Rollback"
_OLD_TYPE = "GateVerdict"  # of an artifact of the step Gate, which versions until 8b8ee5c had
_CONSUMES = (Event.INPUT, Event.DECLARED_INPUT)
_PRODUCES = (Event.OUTPUT, Event.DECLARED_OUTPUT)


@dataclasses.dataclass(frozen=True)
class Ancestor:
    """An artifact that others were made from."""

    artifact: Artifact
    key: str  # under which it was read
    maker: Execution
    sources: tuple[int, ...]  # ids of the artifacts that its maker read


class Link(NamedTuple):
    """An artifact that an execution read or wrote, under a key."""

    execution_id: int
    artifact_id: int
    key: str
    is_output: bool


class Records:
    """Everything that a metadata file holds, read at once; later writes to the file do not show.

    Args:
        path: The sqlite file of ML Metadata.

    Raises:
        UsageFailure: It does not exist, or another process holds it.
        DataFailure: The file is damaged, or an older version of this project wrote it.
    """

    def __init__(self, path: pathlib.Path) -> None:
        if not path.is_file():
            raise UsageFailure(
                f"{path.parent} holds no run yet; start one with `tokenlearner run`, or name its --root."
            )
        self.root = path.resolve().parent
        with take_snapshot(path) as copy:
            try:
                self._read(connect(copy, is_read_only=True))
            except (errors.StatusError, RuntimeError) as error:
                reason = str(error).splitlines()[0].rstrip(".")
                raise DataFailure(f"{path} cannot be read as ML Metadata: {reason}.") from None
        if any(artifact.type.endswith(_OLD_TYPE) for artifact in self.artifacts.values()):
            raise DataFailure(
                f"{path.parent} was written by an older version of this project, which this version cannot read; "
                "name another folder with --root."
            )

    def _read(self, store: mlmd.MetadataStore) -> None:
        self.artifacts: dict[int, Artifact] = {artifact.id: artifact for artifact in store.get_artifacts()}
        self.executions: dict[int, Execution] = {execution.id: execution for execution in store.get_executions()}
        self._by_execution, self._by_artifact = defaultdict[int, list[Link]](list), defaultdict[int, list[Link]](list)
        for event in store.get_events_by_execution_ids(list(self.executions)) if self.executions else ():
            key = next((step.key for step in event.path.steps if step.HasField("key")), "")
            link = Link(event.execution_id, event.artifact_id, key, event.type in _PRODUCES)
            if event.type in (*_CONSUMES, *_PRODUCES):
                self._by_execution[link.execution_id].append(link)
                self._by_artifact[link.artifact_id].append(link)
        runs = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
        self._began = {run.name: run.create_time_since_epoch / 1000 for run in runs}
        self._runs = {run.name: sorted(each.id for each in store.get_executions_by_context(run.id)) for run in runs}
        self._nodes = {
            execution.id: node.name.rpartition(".")[2]
            for node in store.get_contexts_by_type("node")
            for execution in store.get_executions_by_context(node.id)
        }

    @property
    def run_ids(self) -> list[str]:
        """The ids of all runs, oldest first."""
        return list(self._runs)

    def began(self, run_id: str) -> float:
        """Returns when a run began, in seconds since 1970."""
        return self._began[run_id]

    def steps(self, run_id: str) -> dict[str, Execution]:
        """Returns the executions of a run by the name of their component, in the order in which they began."""
        return {
            self._nodes[execution_id]: self.executions[execution_id]
            for execution_id in self._runs[run_id]
            if execution_id in self._nodes and self._nodes[execution_id] not in (BLESS_NODE, ROLLBACK_NODE)
        }

    def name_step(self, execution: Execution) -> str:
        """Returns the name of the component that an execution ran."""
        return self._nodes.get(execution.id, execution.type)

    def runs_of(self, execution: Execution) -> list[str]:
        """Returns the ids of the runs that an execution belongs to."""
        return [run_id for run_id, executions in self._runs.items() if execution.id in executions]

    def inputs(self, execution: Execution, key: str) -> list[Artifact]:
        """Returns the artifacts that an execution read under a key."""
        return [artifact for artifact, under in self.list_inputs(execution) if under == key]

    def outputs(self, execution: Execution, key: str | None = None) -> list[Artifact]:
        """Returns the artifacts that an execution wrote, or took from the cache, under a key or all keys."""
        links = [link for link in self._by_execution[execution.id] if link.is_output and key in (None, link.key)]
        return [self.artifacts[link.artifact_id] for link in links]

    def find_maker(self, artifact: Artifact) -> Execution | None:
        """Returns the execution that made an artifact, not one that took it from the cache."""
        makers = [link.execution_id for link in self._by_artifact[artifact.id] if link.is_output]
        return self.executions[min(makers)] if makers else None

    def find_readers(self, artifact: Artifact) -> list[Execution]:
        """Returns the executions that read an artifact, oldest first."""
        readers = {link.execution_id for link in self._by_artifact[artifact.id] if not link.is_output}
        return [self.executions[reader] for reader in sorted(readers)]

    def walk_back(self, start: Iterable[tuple[Artifact, str]], skip: Collection[str] = ()) -> Iterator[Ancestor]:
        """Walks from artifacts to all of their ancestors.

        The client's own `get_lineage_subgraph` returns nodes without the keys and the order that are needed here.

        Args:
            start: Artifacts with the keys under which they were read.
            skip: Keys of inputs that are not followed.

        Yields:
            Each artifact once, those of `start` first, then those that their makers read, and so on.
        """
        waiting, seen = deque(start), set()
        while waiting:
            artifact, key = waiting.popleft()
            maker = self.find_maker(artifact)
            if artifact.id in seen or maker is None:
                continue
            seen.add(artifact.id)
            inputs = [(each, under) for each, under in self.list_inputs(maker) if under not in skip]
            yield Ancestor(artifact, key, maker, tuple(sorted({each.id for each, _ in inputs})))
            waiting.extend(inputs)

    def list_inputs(self, execution: Execution) -> list[tuple[Artifact, str]]:
        """Returns the artifacts that an execution read, each with its key."""
        links = self._by_execution[execution.id]
        return [(self.artifacts[link.artifact_id], link.key) for link in links if not link.is_output]


def open_records(path: pathlib.Path) -> Records | None:
    """Reads a metadata file; None where there is none, as in a copy of the served folder or on a cluster."""
    return Records(path) if path.is_file() else None


def connect(path: pathlib.Path, *, is_read_only: bool) -> mlmd.MetadataStore:
    """Opens a metadata file with ML Metadata's own library."""
    connection = metadata_store_pb2.ConnectionConfig()
    modes = metadata_store_pb2.SqliteMetadataSourceConfig
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = modes.READONLY if is_read_only else modes.READWRITE
    return mlmd.MetadataStore(connection)


def format_time(seconds: float) -> str:
    """Returns a time in seconds since 1970 as local time, such as "2026-11-22 13:41:34"."""
    return datetime.datetime.fromtimestamp(seconds).isoformat(sep=" ", timespec="seconds")
