"""A folder of versions to push to, and small models to push, without TFX and TensorFlow."""

import dataclasses
import pathlib

from killed_pushes import DRAFT

from components.pusher.faults import list_files
from components.pusher.manifest import Manifest
from components.pusher.shelf import open_shelf

FILES = {"saved_model.pb": b"graph" * 999, "variables/variables.index": b"index", "README.md": b"# A card\n"}


def make_draft(model_id: int = 1) -> Manifest:
    """Drafts the manifest of a version that holds the model of an artifact."""
    return dataclasses.replace(DRAFT, model=dataclasses.replace(DRAFT.model, artifact_id=model_id))


def write_model(folder: pathlib.Path) -> pathlib.Path:
    """Writes files like those of a SavedModel."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def push(
    base: pathlib.Path, model: pathlib.Path, *, now: float = 1000.0, model_id: int = 1, keep: int = 99
) -> Manifest:
    """Pushes a model as the Pusher does."""
    with open_shelf(base) as shelf:
        files = {name: model / name for name in list_files(model)}
        manifest = shelf.publish(files, make_draft(model_id), (), now)
        shelf.remove_outdated(keep, None)
        return manifest
