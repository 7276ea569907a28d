"""How a model was made and which versions were pushed, read from ML Metadata."""

import dataclasses
import pathlib

import pytest
from ml_metadata.proto.metadata_store_pb2 import Event
from pushes import make_draft
from recorded_root import FIRST, KILLED, SECOND, RecordedRoot

from components.metadata.pushes import NOTHING_KNOWN, mark_pushed, read_making, read_pushes
from components.metadata.records import Records, open_records


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    root = RecordedRoot(tmp_path / "root")
    for plan in (KILLED, FIRST, SECOND):
        root.record(plan)
    return root


def test_the_digests_are_those_of_the_steps_behind_the_model_but_not_behind_its_baseline(root: RecordedRoot) -> None:
    for step, key, value in (
        ("Trainer", "custom_config", '{"code_digest": "t", "trainer": {}}'),
        ("Evaluator", "code_digest", "g"),
        ("Transform", "custom_config", "null"),
        ("DataGate", "code_digest", "not behind the model"),
    ):
        executions = root.store.get_executions_by_type(f"type of {step}")
        for execution in executions:
            execution.custom_properties[key].string_value = value
        root.store.put_executions(executions)
    baseline, model = root.store.get_artifacts_by_type("Model")[-2:]
    [made] = [event for event in root.store.get_events_by_artifact_ids([baseline.id]) if event.type == Event.OUTPUT]
    [trainer] = root.store.get_executions_by_id([made.execution_id])
    trainer.custom_properties["custom_config"].string_value = '{"code_digest": "of the baseline"}'
    root.store.put_executions([trainer])
    evaluator = root.store.get_executions_by_type("type of Evaluator")[-1]
    event = Event(type=Event.INPUT, artifact_id=baseline.id, execution_id=evaluator.id)
    event.path.steps.add().key = "baseline_model"
    root.store.put_events([event])
    making = read_making(Records(root.path / "metadata.sqlite"), [model.id, root.artifact("verdict").id])
    assert (making.run_id, making.data_digest) == (SECOND.run_id, "cafe")
    assert making.code_digests == {"Evaluator": "g", "Trainer": "t"}
    trained = next(artifact for artifact in making.lineage if artifact.id == model.id)
    assert (trained.kind, trained.step, trained.run_id) == ("Model", "Trainer", SECOND.run_id)
    assert set(trained.sources) < {artifact.id for artifact in making.lineage}
    assert baseline.id not in {artifact.id for artifact in making.lineage}


def test_pushes_are_read_oldest_first_with_the_models_that_were_rolled_back(root: RecordedRoot) -> None:
    artifact = root.artifact("pushed_model")
    mark_pushed(artifact, root.path, dataclasses.replace(make_draft(5), version=9000), {7: "it errs", 3: "so does it"})
    root.store.put_artifacts([artifact])
    first, second = read_pushes(Records(root.path / "metadata.sqlite"))
    assert first.version < second.version == 9000
    assert (first.model_id, first.rolled_back) == (0, {})
    assert (second.model_id, second.rolled_back) == (5, {3: "so does it", 7: "it errs"})


def test_without_ml_metadata_nothing_is_known_and_nothing_is_made(tmp_path: pathlib.Path) -> None:
    records = open_records(tmp_path / "metadata.sqlite")
    assert read_making(records, [1, 2]) == NOTHING_KNOWN
    assert read_pushes(records) == []
    assert list(tmp_path.iterdir()) == []
