"""Where the Trainer's SavedModel lies within TFX's artifact Model."""

import pathlib

from tfx.types.artifact import Artifact
from tfx.utils import path_utils


def locate_saved_model(model: Artifact) -> pathlib.Path:
    """Returns the folder of the SavedModel within a Model artifact."""
    return pathlib.Path(find_saved_model_uri(model))


def find_saved_model_uri(model: Artifact) -> str:
    """Returns the same as an address, for readers of buckets."""
    uri: str = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return uri
