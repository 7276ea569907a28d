"""The Trainer by itself: what it is told, and how it ends."""

import pathlib
import types
from typing import cast

import pytest

from benchmarks.splits import Splits
from benchmarks.trainer import MODEL_RUN, configure, train, train_and_kill
from components.report.search_results import read_search_results
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
def test_a_killed_search_ends_with_the_winner_of_the_whole_one(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    splits = Splits(slice_dir, tmp_path / "splits")
    whole, killed = (configure(tmp_path / name, every_point=False, max_epochs=1) for name in ("whole", "killed"))
    train(whole, splits, tmp_path / "whole_output")
    assert train_and_kill(killed, splits, tmp_path / "killed_output", seconds=5)
    assert not train_and_kill(killed, splits, tmp_path / "ended_output", seconds=600)
    expected, trials = (
        read_search_results(tmp_path / name / MODEL_RUN).trials for name in ("whole_output", "ended_output")
    )
    assert [trial["point"] for trial in trials] == [trial["point"] for trial in expected]
    accuracies = [[trial["valid_accuracy"] for trial in each] for each in (trials, expected)]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)


@pytest.mark.slow
def test_a_trainer_that_fails_is_not_taken_for_one_that_ended(tmp_path: pathlib.Path) -> None:
    nowhere = cast(
        "Splits", types.SimpleNamespace(graph_dir=tmp_path, locate=lambda split: str(tmp_path / split / "*"))
    )
    with pytest.raises(Failure, match="ended with exit code 1"):
        train_and_kill(configure(tmp_path, every_point=False), nowhere, tmp_path / "out", seconds=60)
