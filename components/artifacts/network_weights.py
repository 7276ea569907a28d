"""The network in a SavedModel and its weights by name: `assets.extra/network.npz`, from which trainings can start."""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np
import pydantic

from models.vit_config import ViTConfig

WEIGHTS_FILE = "assets.extra/network.npz"  # TensorFlow and TensorFlow Serving leave this folder alone

_CONFIG = "config"  # no path of a variable, which has a slash
_NETWORK = pydantic.TypeAdapter(ViTConfig)


def write_weights(network: ViTConfig, weights: Mapping[str, np.ndarray], folder: str) -> None:
    """Writes `network.npz` into a SavedModel.

    Args:
        network: The shape.
        weights: By the path of the variable.
        folder: Of the SavedModel.
    """
    file = pathlib.Path(folder, WEIGHTS_FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **{_CONFIG: np.array(json.dumps(dataclasses.asdict(network))), **weights})


def read_weights(folder: pathlib.Path | str) -> tuple[ViTConfig, dict[str, np.ndarray]]:
    """Reads `network.npz`.

    Args:
        folder: Of the SavedModel.

    Returns:
        The network, and its weights by the path of the variable.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: `write_weights` did not write it.
    """
    try:
        with np.load(pathlib.Path(folder, WEIGHTS_FILE)) as arrays:
            network = _NETWORK.validate_json(str(arrays[_CONFIG]))
            return network, {name: arrays[name] for name in arrays.files if name != _CONFIG}
    except (EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(str(error)) from error
