"""What ML Metadata knows of a model's making and of the versions pushed so far."""

import pathlib

import pytest
from ml_metadata.proto.metadata_store_pb2 import Event, Execution
from recorded_root import FIRST, KILLED, SECOND, RecordedRoot, open_store

from components.metadata.pushes import NOTHING_KNOWN, format_withheld, read_making, read_pushes
from components.metadata.records import Records, open_records


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    root = RecordedRoot(tmp_path / "root")
    for plan in (KILLED, FIRST, SECOND):
        root.record(plan)
    return root


def _give(root: RecordedRoot, step: str, key: str, value: str) -> None:
    """Gives the executions of a step a property, as TFX does."""
    executions: list[Execution] = open_store(root.path).get_executions_by_type(f"type of {step}")
    for execution in executions:
        execution.custom_properties[key].string_value = value
    open_store(root.path).put_executions(executions)


def test_the_digests_are_those_of_the_steps_behind_the_model_and_its_verdict(root: RecordedRoot) -> None:
    _give(root, "Trainer", "custom_config", '{"code_digest": "t", "trainer": {}}')
    _give(root, "Evaluator", "code_digest", "g")
    _give(root, "Transform", "custom_config", "null")
    _give(root, "DataGate", "code_digest", "not behind the model")
    making = read_making(
        Records(root.path / "metadata.sqlite"), [root.artifact("model").id, root.artifact("verdict").id]
    )
    assert making.run_id == SECOND.run_id
    assert making.data_digest == "cafe"
    assert making.code_digests == {"Evaluator": "g", "Trainer": "t"}


def test_the_digests_are_not_those_of_the_baselines_training(root: RecordedRoot) -> None:
    first, second = (
        each for each in root.store.get_artifacts_by_type("Model") if each.uri.split("-of-")[1] != KILLED.run_id
    )
    trainers = {
        event.artifact_id: event.execution_id
        for event in root.store.get_events_by_artifact_ids([first.id, second.id])
        if event.type == Event.OUTPUT
    }
    for model, digest in ((first, "of the baseline"), (second, "of the candidate")):
        [trainer] = root.store.get_executions_by_id([trainers[model.id]])
        trainer.custom_properties["code_digest"].string_value = digest
        root.store.put_executions([trainer])
    evaluator = root.store.get_executions_by_type("type of Evaluator")[-1]
    event = Event(type=Event.INPUT, artifact_id=first.id, execution_id=evaluator.id)
    event.path.steps.add().key = "baseline_model"
    root.store.put_events([event])
    making = read_making(Records(root.path / "metadata.sqlite"), [second.id, root.artifact("verdict").id])
    assert making.code_digests == {"Trainer": "of the candidate"}


def test_pushes_are_told_oldest_first_with_what_is_withheld(root: RecordedRoot) -> None:
    path = root.path / "metadata.sqlite"
    artifact = root.artifact("pushed_model")
    artifact.custom_properties["model_id"].int_value = 5
    artifact.custom_properties["withheld"].string_value = format_withheld({7: "it errs", 3: "so does it"})
    root.store.put_artifacts([artifact])
    first, second = read_pushes(Records(path))
    assert first.version < second.version
    assert (first.model_id, first.withheld) == (0, {})
    assert (second.model_id, second.withheld) == (5, {3: "so does it", 7: "it errs"})


def test_without_ml_metadata_nothing_is_known_and_nothing_is_made(tmp_path: pathlib.Path) -> None:
    records = open_records(tmp_path / "metadata.sqlite")
    assert read_making(records, [1, 2]) == NOTHING_KNOWN
    assert read_pushes(records) == []
    assert list(tmp_path.iterdir()) == []
