"""A root with three pushed versions, each by a run of its own."""

import dataclasses
import pathlib

import pytest
from killed_pushes import DRAFT
from ml_metadata.proto.metadata_store_pb2 import Artifact, Event
from pushes import write_model
from recorded_root import Plan, RecordedRoot

from components.metadata import pushes as ledger
from components.pusher.faults import list_files
from components.pusher.manifest import hash_manifest
from components.pusher.shelf import open_shelf
from pipeline.config import locate_serving_dir

RUNS = ("2026-02-01T10:00:00.000001", "2026-02-02T10:00:00.000001", "2026-02-03T10:00:00.000001")


class ServedRoot(RecordedRoot):
    """A recorded root whose pushes are real."""

    def _write_pushed_model(self, folder: pathlib.Path, artifact: Artifact, plan: Plan) -> None:
        model = write_model(folder / "model")
        (model / "saved_model.pb").write_text(plan.run_id)
        record = dataclasses.replace(DRAFT.model, artifact_id=self.artifact("model").id, point=plan.point)
        draft = dataclasses.replace(DRAFT, run_id=plan.run_id, model=record)
        base = locate_serving_dir(self.path)
        with open_shelf(base) as shelf:
            manifest = shelf.publish({name: model / name for name in list_files(model)}, draft, (), 1000)
        artifact.custom_properties["pushed"].int_value = 1
        artifact.custom_properties["pushed_version"].string_value = str(manifest.version)
        artifact.custom_properties["pushed_destination"].string_value = str(base / str(manifest.version))
        artifact.custom_properties[ledger.MODEL_ID].int_value = record.artifact_id
        artifact.custom_properties[ledger.MANIFEST_SHA256].string_value = hash_manifest(manifest)

    def let_evaluator_read_baseline(self, artifact: Artifact) -> None:
        """Records that the newest Evaluator held its model against another one."""
        evaluator = self.store.get_executions_by_type("type of Evaluator")[-1]
        event = Event(type=Event.INPUT, artifact_id=artifact.id, execution_id=evaluator.id)
        event.path.steps.add().key = "baseline_model"
        event.path.steps.add().index = 0
        self.store.put_events([event])


@pytest.fixture
def root(tmp_path: pathlib.Path) -> ServedRoot:
    """Versions 1000, 1001 and 1002; the second one's model is the baseline of the third."""
    root = ServedRoot(tmp_path / "root")
    baseline = None
    for seed, run_id in enumerate(RUNS):
        root.record(Plan(run_id=run_id, seed=seed, cached_until="Transform" if seed else None))
        baseline = root.artifact("model") if seed == 1 else baseline
    assert baseline is not None
    root.let_evaluator_read_baseline(baseline)
    return root
