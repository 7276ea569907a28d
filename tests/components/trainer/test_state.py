"""The state folder: what its name depends on."""

import dataclasses
import json
import pathlib
from typing import Any

import keras
import pytest
import tensorflow as tf

from components.trainer.config import StateConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.state import locate_state


@pytest.fixture
def config(config: TrainerConfig, tmp_path: pathlib.Path) -> TrainerConfig:
    state = StateConfig(folder=str(tmp_path / "search"), code_digest="abc")
    return dataclasses.replace(config, state=state)


# Of the config, each with whether a trained weight, and so the folder, depends on it.
_CHANGES: list[tuple[str, dict[str, Any], bool]] = [
    ("search", {"token_counts": (1,)}, False),
    ("search", {"tuner": "grid", "max_trials": 9, "reduction_factor": 3}, False),
    ("search", {"max_epochs": 9, "min_epochs": 2, "seeds": 5, "finalists": 4, "max_mmacs": 1.0}, False),
    ("fit", {"epochs": 7}, False),
    ("fit", {"seed": 7}, False),
    ("fit", {"initial_model": "17"}, False),  # its weights count, which the Trainer reads
    ("fit", {"passes_per_epoch": 2}, True),
    ("backbone", {"dim": 8}, True),
    ("backbone", {"dropout_rate": 0.2}, True),
    ("backbone", {"random_selection_seed": 1}, True),
    ("fit", {"batch_size": 4}, True),
    ("fit", {"learning_rate": 0.03}, True),
    ("fit", {"warmup_share": 0.2}, True),
    ("fit", {"weight_decay": 0.1}, True),
    ("fit", {"gradient_clip_norm": 2.0}, True),
    ("fit", {"label_smoothing": 0.2}, True),
    ("fit", {"optimizer": "adamw"}, True),
    ("fit", {"ema_momentum": 0.5}, True),
    ("fit", {"crop_padding": 2}, True),
    ("fit", {"class_weights": "balanced"}, True),
    ("fit", {"flip": False}, True),
    ("fit", {"replicas": 1}, True),
    ("fit", {"strategy": "mirrored"}, True),
    ("state", {"code_digest": "abd"}, True),
]


def test_the_folder_depends_on_what_a_trained_weight_depends_on(
    config: TrainerConfig, train: Examples, valid: Examples
) -> None:
    folder = locate_state(config, train, valid)
    assert folder.is_dir()
    assert folder.parent == pathlib.Path(config.state.folder)
    for part, changes, is_other in _CHANGES:
        changed = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **changes)})
        assert (locate_state(changed, train, valid) != folder) == is_other, changes
    tried = {field for part, changes, _ in _CHANGES if part == "fit" for field in changes}
    assert tried == {field.name for field in dataclasses.fields(config.fit)}


def test_other_images_have_a_folder_of_their_own(config: TrainerConfig, train: Examples, valid: Examples) -> None:
    relabeled = dataclasses.replace(valid, labels=1 - valid.labels)
    folders = {
        locate_state(config, *splits) for splits in ((train, valid), (valid, train), (train, train), (train, relabeled))
    }
    assert len(folders) == 4


def test_the_folder_describes_itself(config: TrainerConfig, train: Examples, valid: Examples) -> None:
    contents = json.loads((locate_state(config, train, valid) / "contents.json").read_text())
    assert (contents["train"], contents["valid"], contents["code"]) == (train.digest(), valid.digest(), "abc")
    assert (contents["keras"], contents["tensorflow"]) == (keras.__version__, tf.__version__)
