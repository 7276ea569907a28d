"""run_fn: it releases the images when it fails, and works alone in the folder of the trainings."""

import dataclasses
import pathlib
import types

import numpy as np
import pytest
from trainings import make_examples

from components.lock import LockedError, hold_lock
from components.trainer import assignment, run
from components.trainer.config import TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.state import locate_state


def test_the_images_are_removed_though_the_trainer_fails(
    config: TrainerConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(config, state=dataclasses.replace(config.state, folder=str(tmp_path / "state")))
    fn_args = types.SimpleNamespace(
        custom_config={"trainer": dataclasses.asdict(config)},
        model_run_dir=str(tmp_path / "run"),
        transform_output="",
        train_files=["7"],
        eval_files=["7"],
    )
    splits = []

    def draw(files: tuple[str], _: object) -> Examples:
        splits.append(make_examples(np.zeros((int(files[0]), 8, 8, 3), np.uint8), np.zeros(int(files[0]), np.int64)))
        return splits[-1]

    monkeypatch.setattr(assignment, "read_examples", draw)
    with pytest.raises(ValueError, match=r"--fit.batch-size is 8, which is more than there are training images"):
        run.run_fn(fn_args)
    fn_args.train_files = ["8"]
    state = locate_state(config, draw(("8",), None), draw(("7",), None))
    with hold_lock(state / "lock", ""), pytest.raises(LockedError, match="another search works in"):
        run.run_fn(fn_args)
    for split in (*splits[:2], *splits[4:]):
        with pytest.raises(ValueError, match="closed"):
            split.pixels.gather(np.array([0]))
