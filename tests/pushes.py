"""A folder of versions to push to, and small models to push, without TFX and TensorFlow."""

import dataclasses
import pathlib

from components.artifacts.verdict import Measure
from components.pusher.integrity import list_files
from components.pusher.manifest import Manifest, Metrics, ModelRecord
from components.pusher.shelf import open_shelf

FILES = {"saved_model.pb": b"graph" * 999, "variables/variables.index": b"index", "README.md": b"# A card\n"}
_MEASURE = Measure(value=0.5, low=0.4, high=0.6)
DRAFT = Manifest(
    version=0,
    run_id=None,
    pushed_at="",
    model=ModelRecord(artifact_id=1, folder="1", point="no_reducer", macs=1, parameters=1),
    data_digest=None,
    code_digests={},
    metrics=Metrics(
        images=10,
        accuracy=_MEASURE,
        top_5_accuracy=_MEASURE,
        cross_entropy=_MEASURE,
        expected_calibration_error=_MEASURE,
    ),
    signatures={},
    files={},
)


def make_draft(model_id: int) -> Manifest:
    """Drafts the manifest of a version of a model."""
    return dataclasses.replace(DRAFT, model=dataclasses.replace(DRAFT.model, artifact_id=model_id))


def write_model(folder: pathlib.Path) -> pathlib.Path:
    """Writes files like those of a SavedModel."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def push(
    base: pathlib.Path, model: pathlib.Path, *, now: float = 1000.0, draft: Manifest = DRAFT, keep: int = 99
) -> Manifest:
    """Pushes a model as the Pusher does."""
    with open_shelf(base) as shelf:
        manifest = shelf.publish({name: model / name for name in list_files(model)}, draft, (), now)
        shelf.remove_outdated(keep, None)
        return manifest
