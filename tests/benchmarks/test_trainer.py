"""The Trainer by itself: what it is told, and how it ends."""

import pathlib
import types
from typing import cast

import pytest

from benchmarks.splits import Splits
from benchmarks.trainer import configure, train_and_kill
from models.search_space import name_point
from pipeline.config import QUICK
from pipeline.failures import Failure


def test_every_point_is_a_point_of_the_profile_quick(tmp_path: pathlib.Path) -> None:
    config = configure(tmp_path, every_point=True, max_epochs=2)
    assert config.affordable_points() == QUICK.trainer(code_digest="").affordable_points()
    assert (config.search.max_epochs, config.fit.epochs, config.state.folder) == (2, 1, str(tmp_path))


def test_a_small_search_has_one_learnt_point_and_its_controls(tmp_path: pathlib.Path) -> None:
    config = configure(tmp_path, every_point=False, tuner="grid")
    assert config.search.tuner == "grid"
    assert sorted(map(name_point, config.affordable_points())) == [
        *("average_pooling-4@0", "none", "random_selection-4@0", "token_learner-4@0", "top_k_norm-4@0"),
    ]


@pytest.mark.slow
def test_a_trainer_that_fails_is_not_taken_for_one_that_ended(tmp_path: pathlib.Path) -> None:
    nowhere = cast("Splits", types.SimpleNamespace(graph=tmp_path, locate=lambda split: str(tmp_path / split / "*")))
    with pytest.raises(Failure, match="ended with exit code 1"):
        train_and_kill(configure(tmp_path, every_point=False), nowhere, tmp_path / "out", seconds=60)
