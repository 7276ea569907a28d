"""The SavedModel within TFX's artifact Model, for readers that do not import TFX, too."""

import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx.types.artifact import Artifact

SAVED_MODEL_FOLDER = "Format-Serving"  # as in TFX's `path_utils`, which takes seconds to import


def locate_saved_model(model: "Artifact") -> pathlib.Path:
    """Returns the folder of the SavedModel within a Model artifact."""
    return pathlib.Path(find_saved_model_uri(model))


def find_saved_model_uri(model: "Artifact") -> str:
    """Returns the same as an address, for readers of buckets."""
    return f"{model.uri}/{SAVED_MODEL_FOLDER}"
