"""Pareto front, heat maps and curves out of trials, by value."""

import math
import pathlib

import pytest
from run_folder import make_search, make_trial, make_winner, write_model_run

from components.artifacts.search_results import (
    Point,
    SearchResults,
    find_common_epochs,
    find_front,
    read_search_results,
)
from components.artifacts.trial import Trial
from components.report.heat_maps import draw_heat_maps
from models.presets import PRESETS


def _point(name: str, macs: int, accuracy: float) -> Point:
    return Point(
        name=name,
        reducer="no_reducer",
        placement=None,
        num_tokens=None,
        use_token_fuser=False,
        epochs=1,
        macs=macs,
        accuracies=(accuracy,),
    )


def _results(*trials: Trial, seed_deviation: float = 0.0) -> SearchResults:
    winner = make_winner(PRESETS["convolution_stem"], point="token_learner-4@1")
    return SearchResults(trials=trials, search=make_search(winner.point, seed_deviation=seed_deviation), winner=winner)


def test_the_front_holds_what_nothing_as_cheap_beats() -> None:
    points = [_point("a", 5, 0.3), _point("b", 5, 0.2), _point("c", 7, 0.3), _point("d", 9, 0.4), _point("e", 2, 0.1)]
    assert [point.name for point in find_front(points)] == ["e", "a", "d"]


def test_a_point_is_the_mean_of_its_seeds_after_as_many_epochs() -> None:
    results = _results(
        make_trial("token_learner-4@1", [0.2, 0.3]),
        make_trial("token_learner-4@1", [0.1, 0.5], seed=2),
        make_trial("token_learner-4@1", [0.1, 0.3], seed=1),  # the finalist's first seed over again
        make_trial("token_learner-4@1", [0.6], initial_epoch=2),
    )
    assert [(point.epochs, point.accuracies) for point in results.points] == [(2, (0.3, 0.5)), (3, (0.6,))]
    assert results.points[0].accuracy == pytest.approx(0.4)


def test_noise_is_that_of_the_images_and_of_the_seeds() -> None:
    trials = [make_trial("no_reducer", [0.5], seed=seed) for seed in (1, 2)]
    results = _results(*trials)
    assert results.noise(results.points[0]) == pytest.approx(0.05)  # sqrt(0.5 * 0.5 / 100)
    noisier = _results(*trials, seed_deviation=0.04)
    assert noisier.noise(noisier.points[0]) == pytest.approx(math.sqrt(0.0025 + 0.0008))


def test_a_heat_map_of_each_kind_sorts_points_by_placement_and_tokens() -> None:
    results = _results(
        make_trial("no_reducer", [0.9]),
        make_trial("average_pooling-4@2", [0.2]),
        make_trial("token_learner-4@1", [0.4]),
        make_trial("token_learner-16@2", [0.3]),
        make_trial("token_learner-16@2+fuser", [0.3]),
        make_trial("token_learner-4@2", [0.3, 0.9]),
    )
    maps = draw_heat_maps(results, 1)
    assert [found.kind for found in maps] == ["token_learner", "token_learner with fuser", "average_pooling"]
    assert maps[0].placements == (1, 2)
    assert maps[0].token_counts == (4, 16)
    [[first, absent], [longer, last]] = maps[0].cells
    assert first is not None
    assert last is not None
    assert absent is None
    assert longer is None  # measured after two epochs only
    assert (first.accuracy, first.share, first.is_winner) == (0.4, 1.0, True)
    assert (last.share, last.is_winner) == (pytest.approx(0.5), False)
    assert maps[2].cells[1][0] is not None
    assert maps[2].cells[1][0].share == 0.0
    assert draw_heat_maps(results, 7) == ()


def test_points_compare_after_the_first_rung_and_at_the_end() -> None:
    points = _results(
        make_trial("a-4@1", [0.1]), make_trial("b-4@1", [0.1]), make_trial("a-4@1", [0.2, 0.3], initial_epoch=1)
    ).points
    assert find_common_epochs(points) == (1, 3)
    assert find_common_epochs(points[:2]) == (1,)
    assert find_common_epochs([]) == ()


def test_a_folder_of_the_trainer_is_read(tmp_path: pathlib.Path) -> None:
    results = read_search_results(write_model_run(tmp_path / "model_run"))
    assert len(results.trials) == 6
    assert len(results.points) == 5
    assert results.macs_of_backbone == 11_900_000


def test_what_failed_or_was_dropped_is_no_point() -> None:
    trials = [make_trial("no_reducer", [0.9], status=status) for status in ("failed", "dropped")]
    assert list(_results(*trials).points) == []
