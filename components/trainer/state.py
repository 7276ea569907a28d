"""The folder in which trainings outlive the run that began them."""

import dataclasses
import hashlib
import importlib.metadata
import json
import pathlib
from typing import TYPE_CHECKING, Any

from components.trainer.config import TrainerConfig

if TYPE_CHECKING:  # it imports TensorFlow
    from components.trainer.data.examples import Examples


def locate_state(config: TrainerConfig, train: "Examples", valid: "Examples") -> pathlib.Path:
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
    contents = json.dumps(
        {"train": train.digest(), "valid": valid.digest(), **_describe_settings(config)},
        indent=2,
    )
    folder = pathlib.Path(config.state.folder, hashlib.sha256(contents.encode()).hexdigest()[:16])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contents.json").write_text(contents)
    return folder


def find_state(config: TrainerConfig) -> pathlib.Path | None:
    """Finds the newest folder that was made with these settings, whatever its images; None if there is none."""
    settings = json.loads(json.dumps(_describe_settings(config)))
    found = [
        file
        for file in pathlib.Path(config.state.folder).glob("*/contents.json")
        if settings.items() <= json.loads(file.read_text()).items()
    ]
    return max(found, key=lambda file: file.stat().st_mtime).parent if found else None


def _describe_settings(config: TrainerConfig) -> dict[str, Any]:
    """Returns everything but the images that a trained weight depends on."""
    return {
        "backbone": dataclasses.asdict(config.backbone),
        "fit": {
            name: value
            for name, value in dataclasses.asdict(config.fit).items()
            if name not in ("epochs", "seed", "initial_model")
        },
        "initial_model": config.initial_model and config.initial_model.digest,
        "code": config.state.code_digest,
        "keras": importlib.metadata.version("keras"),
        "tensorflow": importlib.metadata.version("tensorflow"),
    }
