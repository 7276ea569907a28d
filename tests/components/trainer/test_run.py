"""run_fn: what it leaves open."""

import dataclasses
import pathlib
import types

import numpy as np
import pytest

from components.trainer import run
from components.trainer.config import TrainerConfig
from components.trainer.data.examples import Examples


def test_the_pixels_of_both_splits_are_removed_though_the_trainer_fails(
    config: TrainerConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = np.zeros((7, 8, 8, 3), np.uint8), np.zeros(7, np.int64)
    splits = [Examples.from_arrays(images, labels) for _ in range(2)]
    unread = iter(splits)
    monkeypatch.setattr(run, "read_examples", lambda *_: next(unread))
    fn_args = types.SimpleNamespace(
        custom_config={"trainer": dataclasses.asdict(config)},
        model_run_dir=str(tmp_path / "run"),
        transform_output="",
        train_files=[],
        eval_files=[],
    )
    with pytest.raises(ValueError, match=r"fit.batch_size is 8, which is more than there are training images"):
        run.run_fn(fn_args)
    for split in splits:
        with pytest.raises(ValueError, match="closed"):
            split.pixels.gather(np.array([0]))
