"""The pushed model from whose weights the trainings start."""

import hashlib
import pathlib

import numpy as np

from components.artifacts.image_task import read_task
from components.artifacts.network_weights import WEIGHTS_FILE, read_weights
from components.errors import DataFailure, UsageFailure
from components.trainer.config import InitialModel, TrainerConfig, name_option
from models.vit_config import ViTConfig

_SHARED = {  # attributes of networks whose weights fit, by field of the configuration
    "patch_size": "patch_size",
    "dim": "dim",
    "depth": "depth",
    "num_heads": "num_heads",
    "head_dim": "head_width",
    "mlp_dims": "mlp_dims",
    "stem": "stem",
}
_HEAD = "logits/"  # paths of the variables that belong to the classes


def find_initial_model(folder: pathlib.Path, backbone: ViTConfig) -> InitialModel:
    """Checks that a model has weights for a backbone; classes and token reducer may differ.

    Args:
        folder: Of a pushed version, or of a SavedModel that the Trainer exported.
        backbone: Which starts from it.

    Raises:
        UsageFailure: There is no such model, or it has another shape.
        DataFailure: Its weights cannot be read.
    """
    option = f"--fit.initial-model is {folder}"
    try:
        network, _ = read_weights(folder)
        task = read_task(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageFailure(
            f"{option}, which holds no model to start from ({WEIGHTS_FILE}); name a version that this version of the "
            "pipeline has pushed (`tokenlearner versions list`), or its folder."
        ) from None
    except (OSError, ValueError) as error:
        raise DataFailure(f"{option}, whose {WEIGHTS_FILE} cannot be read: {str(error).splitlines()[0]}.") from None
    for field, attribute in _SHARED.items():
        found, needed = getattr(network, attribute), getattr(backbone, attribute)
        if found != needed:
            values = f"its {name_option(f'model.{field}')} is {found}, and this run's {needed}"
            raise UsageFailure(f"{option}, whose weights do not fit: {values}.")
    of_dataset = f"version {folder.name} of {task.title}" if folder.name.isdecimal() else f"{folder} ({task.title})"
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    return InitialModel(folder=str(folder.resolve()), title=of_dataset, digest=digest)


def load_initial_weights(config: TrainerConfig) -> dict[str, np.ndarray]:
    """Returns the weights that the trainings start from, by path: of other classes without those of the classifier.

    Without an initial model there are none.
    """
    if config.initial_model is None:
        return {}
    _, weights = read_weights(config.initial_model.folder)
    has_classes = read_task(config.initial_model.folder).class_names == config.task.class_names
    return {path: value for path, value in weights.items() if has_classes or not path.startswith(_HEAD)}
