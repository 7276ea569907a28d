"""The folder in which trainings outlive the run that began them."""

import dataclasses
import hashlib
import json
import pathlib

import keras
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data.examples import Examples


def locate_state(config: TrainerConfig, train: Examples, valid: Examples) -> pathlib.Path:
    """Names the folder by the digest of everything that a trained weight depends on, and makes it.

    The number of devices is not part of it, though a weight's last bits and batch norm's statistics depend on it: a
    training may continue on more devices.

    Each point has a file in it, so a wider search space finds the trainings of a narrower one. `contents.json`
    describes the digest.

    Args:
        config: Backbone, how to train, digest of the sources.
        train: The train split.
        valid: The valid split.

    Returns:
        The folder.
    """
    fit = {name: value for name, value in dataclasses.asdict(config.fit).items() if name not in ("epochs", "seed")}
    contents = json.dumps(
        {
            "train": train.digest(),
            "valid": valid.digest(),
            "backbone": dataclasses.asdict(config.backbone),
            "fit": fit,
            "code": config.state.code_digest,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        indent=2,
    )
    folder = pathlib.Path(config.state.folder, hashlib.sha256(contents.encode()).hexdigest()[:16])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contents.json").write_text(contents)
    return folder
