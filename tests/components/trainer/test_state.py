"""The state folder: what its name depends on, and that one process at a time works in it."""

import dataclasses
import json
import pathlib
import subprocess
import sys
from typing import Any

import keras
import pytest
import tensorflow as tf

from components.lock import LockedError, hold_lock
from components.trainer.config import StateConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.state import locate_state


@pytest.fixture
def config(config: TrainerConfig, tmp_path: pathlib.Path) -> TrainerConfig:
    state = StateConfig(folder=str(tmp_path / "search"), code_digest="abc")
    return dataclasses.replace(config, state=state)


def replace_part(config: TrainerConfig, part: str, **changes: Any) -> TrainerConfig:
    """Returns the config with fields of one part changed."""
    return dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **changes)})


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("search", {"token_counts": (2,)}),
        ("search", {"tuner": "grid", "max_trials": 9, "reduction_factor": 3}),
        ("search", {"max_epochs": 9, "min_epochs": 2, "seeds": 5, "finalists": 4, "max_mmacs": 1.0}),
        ("fit", {"epochs": 7}),
        ("fit", {"seed": 7}),
    ],
)
def test_what_a_trained_weight_does_not_depend_on_keeps_the_folder(
    config: TrainerConfig, train: Examples, valid: Examples, part: str, changes: dict[str, Any]
) -> None:
    folder = locate_state(config, train, valid)
    assert folder.is_dir()
    assert folder.parent == pathlib.Path(config.state.folder)
    assert locate_state(replace_part(config, part, **changes), train, valid) == folder


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("backbone", {"dim": 8}),
        ("backbone", {"dropout_rate": 0.2}),
        ("backbone", {"random_selection_seed": 1}),
        ("fit", {"batch_size": 4}),
        ("fit", {"learning_rate": 0.03}),
        ("fit", {"warmup_share": 0.2}),
        ("fit", {"weight_decay": 0.1}),
        ("fit", {"gradient_clip_norm": 2.0}),
        ("fit", {"label_smoothing": 0.2}),
        ("fit", {"ema_momentum": 0.5}),
        ("fit", {"crop_padding": 2}),
        ("fit", {"strategy": "mirrored"}),
        ("state", {"code_digest": "abd"}),
    ],
)
def test_what_a_trained_weight_depends_on_has_a_folder_of_its_own(
    config: TrainerConfig, train: Examples, valid: Examples, part: str, changes: dict[str, Any]
) -> None:
    changed = replace_part(config, part, **changes)
    assert locate_state(changed, train, valid) != locate_state(config, train, valid)


def test_every_field_of_the_fit_settings_is_tried_above(config: TrainerConfig) -> None:
    marks = [
        mark
        for test in (
            test_what_a_trained_weight_does_not_depend_on_keeps_the_folder,
            test_what_a_trained_weight_depends_on_has_a_folder_of_its_own,
        )
        for mark in getattr(test, "pytestmark", [])
    ]
    tried = {field for mark in marks for part, changes in mark.args[1] if part == "fit" for field in changes}
    assert tried == {field.name for field in dataclasses.fields(config.fit)}


def test_other_images_have_a_folder_of_their_own(config: TrainerConfig, train: Examples, valid: Examples) -> None:
    relabeled = dataclasses.replace(valid, labels=1 - valid.labels)
    folders = {
        locate_state(config, *splits) for splits in ((train, valid), (valid, train), (train, train), (train, relabeled))
    }
    assert len(folders) == 4


def test_the_folder_tells_what_its_name_stands_for(config: TrainerConfig, train: Examples, valid: Examples) -> None:
    contents = json.loads((locate_state(config, train, valid) / "contents.json").read_text())
    fit = dataclasses.asdict(config.fit)
    del fit["epochs"], fit["seed"]
    assert contents == {
        "train": train.digest(),
        "valid": valid.digest(),
        "backbone": json.loads(json.dumps(dataclasses.asdict(config.backbone))),
        "fit": fit,
        "code": "abc",
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }


_OTHER_PROCESS = """
import pathlib, sys
from components.lock import hold_lock
with hold_lock(pathlib.Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_in_the_folder_is_told_so_until_the_first_has_been_killed(
    config: TrainerConfig, train: Examples, valid: Examples
) -> None:
    lock = locate_state(config, train, valid) / "lock"
    other = subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(LockedError, match="another search works here"), hold_lock(lock, "another search works here"):
        pytest.fail("two processes hold the lock")
    other.kill()
    other.communicate()
    with hold_lock(lock, "another search works here"):
        assert lock.exists()
