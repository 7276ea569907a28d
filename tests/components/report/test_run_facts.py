"""Memory, environment, provenance and data: what is read where, and what is not known."""

import json
import pathlib
import sys

import numpy as np
import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.report import environment, memory
from components.report.data_summary import summarize_data
from components.report.provenance import read_provenance
from components.report.sources import Sources


@pytest.mark.skipif(not memory.reset_peak(), reason="this kernel does not let a process reset its peak memory")
def test_the_peak_is_that_since_the_last_reset() -> None:
    grown = np.ones(200 * 2**20, np.uint8)
    high = memory.read_peak()
    del grown
    assert memory.reset_peak()
    low = memory.read_peak()
    assert high is not None
    assert low is not None
    assert high - low > 150 * 2**20


def test_peaks_are_kept_by_run_and_step_and_a_torn_line_is_passed_over(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "peak_memory.jsonl"
    assert memory.read_peaks(path) == {}
    memory.append_peak(path, run_id="a", step="Trainer", peak_bytes=7)
    with path.open("a") as file:
        file.write('{"run": "a", "st')
    assert memory.read_peaks(path) == {("a", "Trainer"): 7}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/venv/bin/tokenlearner", "run", "--root", "a b"], "tokenlearner run --root 'a b'"),
        (["/src/pipeline/__main__.py", "run"], "tokenlearner run"),
        (["/venv/bin/tfx", "run", "create"], "tfx run create"),
    ],
)
def test_the_command_is_told_as_a_person_types_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, arguments: list[str], command: str
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    found = environment.describe_environment()
    assert found.command == command
    assert found.packages["jinja2"].startswith("3.")
    assert environment.read_environment(tmp_path / "environment.json") is None
    environment.write_environment(found, tmp_path / "environment.json")
    assert environment.read_environment(tmp_path / "environment.json") == found


def _connect(path: pathlib.Path) -> MetadataStore:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return MetadataStore(connection)


class _Book:
    """Writes runs into ML Metadata as TFX does."""

    def __init__(self, path: pathlib.Path) -> None:
        self.root = path.parent
        self.store = _connect(path)
        self.contexts = {
            kind: self.store.put_context_type(metadata_store_pb2.ContextType(name=kind))
            for kind in ("pipeline_run", "node")
        }
        self.named: dict[tuple[str, str], int] = {}

    def context(self, kind: str, name: str) -> int:
        if (kind, name) not in self.named:
            context = metadata_store_pb2.Context(type_id=self.contexts[kind], name=name)
            [self.named[kind, name]] = self.store.put_contexts([context])
        return self.named[kind, name]

    def artifact(self, kind: str, folder: str) -> int:
        type_id = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=kind))
        uri = str(self.root / folder)
        [artifact_id] = self.store.put_artifacts([metadata_store_pb2.Artifact(type_id=type_id, uri=uri)])
        return artifact_id

    def step(self, run: str, node: str, state: int, inputs: list[int], outputs: list[int]) -> None:
        type_id = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name=node))
        execution = metadata_store_pb2.Execution(type_id=type_id, last_known_state=state)
        if node == "ExampleGen":
            execution.custom_properties["tfds_dir"].string_value = "/data/cifar10"
        [execution_id] = self.store.put_executions([execution])
        kinds = metadata_store_pb2.Event
        self.store.put_events(
            [kinds(artifact_id=i, execution_id=execution_id, type=kinds.INPUT) for i in inputs]
            + [kinds(artifact_id=o, execution_id=execution_id, type=kinds.OUTPUT) for o in outputs]
        )
        self.store.put_attributions_and_associations(
            [],
            [
                metadata_store_pb2.Association(execution_id=execution_id, context_id=context_id)
                for context_id in (self.context("pipeline_run", run), self.context("node", f"tokenlearner.{node}"))
            ],
        )


def test_lineage_and_steps_name_the_run_that_did_the_work(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "metadata.sqlite"
    book = _Book(path)
    states = metadata_store_pb2.Execution
    examples = book.artifact("Examples", "ExampleGen/examples/1")
    book.step("first", "ExampleGen", states.COMPLETE, [], [examples])
    book.step("second", "ExampleGen", states.CACHED, [], [examples])
    model = book.artifact("Model", "Trainer/model/2")
    book.step("second", "Trainer", states.COMPLETE, [examples], [model])
    book.step("second", "Report", states.RUNNING, [model], [])
    found = read_provenance(path, {("first", "ExampleGen"): 5, ("second", "ExampleGen"): 9}, None)
    assert found.run_id == "second"
    assert found.data_folder == "/data/cifar10"
    assert [(s.name, s.state, s.run_id, s.peak_bytes) for s in found.steps] == [
        ("ExampleGen", "cached", "first", 5),
        ("Trainer", "complete", "second", None),
    ]
    assert [(a.id, a.kind, a.step, a.run_id, a.folder, a.sources) for a in found.artifacts] == [
        (examples, "Examples", "ExampleGen", "first", "ExampleGen/examples/1", ()),
        (model, "Model", "Trainer", "second", "Trainer/model/2", (examples,)),
    ]
    assert [step.name for step in read_provenance(path, {}, "first").steps] == ["ExampleGen"]


def test_data_are_summed_up_by_split(sources: Sources) -> None:
    assert sources.statistics is not None
    train, valid, test = summarize_data(sources.statistics, sources.anomalies, sources.examples)
    assert (train.name, train.images, train.mean_bytes, train.anomalies) == ("train", 200, 2250, ())
    assert train.class_images == (20, 20, 20, 21, 20, 20, 20, 20, 20, 20)  # as TFDV has it, without the images
    assert test.class_images == (20,) * 10  # counted
    assert valid.anomalies == ("label: Unexpectedly large value: 12",)
    assert summarize_data(sources.statistics, None, None)[2].anomalies is None
    assert test.missing == 0


def test_json_of_the_environment_is_plain(tmp_path: pathlib.Path) -> None:
    environment.write_environment(environment.describe_environment(), tmp_path / "e.json")
    assert set(json.loads((tmp_path / "e.json").read_text())) == {"command", "python", "system", "packages", "machine"}
