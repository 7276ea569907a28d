"""A root with three pushed versions, each by a run of its own."""

import dataclasses
import pathlib

import pytest
from ml_metadata.proto.metadata_store_pb2 import Artifact, Event
from pushes import DRAFT, push, write_model
from recorded_root import Plan, RecordedRoot, copy_root

from components.metadata import pushes as ledger
from components.pusher.manifest import hash_manifest
from pipeline.config import locate_serving_dir


class ServedRoot(RecordedRoot):
    """A recorded root whose pushes are real."""

    def _write_pushed_model(self, folder: pathlib.Path, artifact: Artifact, plan: Plan) -> None:
        model = write_model(folder / "model")
        (model / "saved_model.pb").write_text(plan.run_id)
        record = dataclasses.replace(DRAFT.model, artifact_id=self.artifact("model").id, point=plan.point)
        base = locate_serving_dir(self.path)
        manifest = push(base, model, draft=dataclasses.replace(DRAFT, run_id=plan.run_id, model=record))
        properties = artifact.custom_properties
        properties["pushed"].int_value = 1
        properties["pushed_version"].string_value = str(manifest.version)
        properties["pushed_destination"].string_value = str(base / str(manifest.version))
        properties[ledger.MODEL_ID].int_value = record.artifact_id
        properties[ledger.MANIFEST_SHA256].string_value = hash_manifest(manifest)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedRoot:
    """Versions 1000, 1001 and 1002; the second one's model is the baseline of the third. Tests must not change it."""
    root = ServedRoot(tmp_path_factory.mktemp("served") / "root")
    models: list[Artifact] = []
    for day in (1, 2, 3):
        run_id = f"2026-02-0{day}T10:00:00.000001"
        root.record(Plan(run_id=run_id, seed=day, cached_until="Transform" if models else None))
        models.append(root.artifact("model"))
    evaluator = root.store.get_executions_by_type("type of Evaluator")[-1]
    event = Event(type=Event.INPUT, artifact_id=models[1].id, execution_id=evaluator.id)
    event.path.steps.add().key = "baseline_model"
    event.path.steps.add().index = 0
    root.store.put_events([event])
    return root


@pytest.fixture
def root(served: ServedRoot, tmp_path: pathlib.Path) -> pathlib.Path:
    return copy_root(served, tmp_path / "root")
