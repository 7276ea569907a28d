"""Which point is trained next: our oracles, and KerasTuner's own, restricted to the affordable points."""

import dataclasses
import pathlib

import pytest
from oracle_driver import POINTS, drive, name_proposal, score_at_random

from components.trainer.config import SearchConfig, TrainerConfig, TunerName
from components.trainer.search.halving import HalvingOracle
from components.trainer.search.oracles import make_oracle
from components.trainer.search.plan import plan_epochs, plan_rungs
from models.search_space import name_point

_AFFORDABLE = tuple(point for i, point in enumerate(POINTS) if i % 3)[:16]  # a ceiling cuts corners off a space

pytestmark = pytest.mark.filterwarnings("ignore:The optimal value found for dimension")  # scikit-learn's, of few trials


@pytest.fixture
def search(config: TrainerConfig) -> SearchConfig:
    return dataclasses.replace(config.search, min_epochs=1, max_epochs=9, reduction_factor=3, finalists=1)


@pytest.mark.parametrize(
    ("points", "changes", "rungs"),
    [
        (27, {}, [(27, 1), (9, 3), (3, 9)]),
        (27, {"finalists": 5}, [(27, 1), (9, 3), (5, 9)]),
        (27, {"finalists": 12}, [(27, 1), (12, 3), (12, 9)]),
        (21, {"max_epochs": 3}, [(21, 1), (7, 3)]),
        (10, {}, [(10, 1), (4, 3), (2, 9)]),  # rounded up
        (10, {"max_epochs": 10}, [(10, 1), (4, 3), (2, 9), (1, 10)]),
        (10, {"min_epochs": 2, "reduction_factor": 2}, [(10, 2), (5, 4), (3, 8), (2, 9)]),
        (10, {"min_epochs": 9}, [(10, 9)]),
        (2, {"finalists": 3}, [(2, 1), (2, 3), (2, 9)]),
        (1, {}, [(1, 1), (1, 3), (1, 9)]),
    ],
)
def test_each_rung_keeps_one_of_so_many_and_never_fewer_than_finalists(
    search: SearchConfig, points: int, changes: dict[str, int], rungs: list[tuple[int, int]]
) -> None:
    assert plan_rungs(points, dataclasses.replace(search, **changes)) == rungs  # type: ignore[arg-type]


def test_halving_tries_every_point_and_trains_the_best_on_from_where_they_stand(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = POINTS[:27]
    quality = {name_point(point): i % 7 + i / 100 for i, point in enumerate(points)}  # all different
    oracle = HalvingOracle(points, search)
    proposals = drive(oracle, tmp_path, lambda values: quality[name_proposal(values)])

    ranked = sorted(quality, key=lambda name: -quality[name])
    names = [name_proposal(values) for values in proposals]
    assert names == [*quality, *ranked[:9], *ranked[:3]]
    ends = [(values["tuner/round"], values["tuner/initial_epoch"], values["tuner/epochs"]) for values in proposals]
    assert ends == [(0, 0, 1)] * 27 + [(1, 1, 3)] * 9 + [(2, 3, 9)] * 3
    for values, name in list(zip(proposals, names, strict=True))[27:]:
        before = proposals[int(values["tuner/trial_id"])]
        assert (name_proposal(before), before["tuner/epochs"]) == (name, values["tuner/initial_epoch"])


def test_of_equal_points_the_earlier_proposals_are_promoted_and_failed_points_are_not(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = POINTS[:9]
    names = [name_point(point) for point in points]

    def score_equally(values: dict[str, object]) -> float:
        return 0.6 if name_proposal(values) == names[7] else 0.5

    proposals = drive(HalvingOracle(points, search), tmp_path / "equal", score_equally)
    assert [name_proposal(values) for values in proposals[9:]] == [names[7], *names[:2], names[7]]

    def score(values: dict[str, object]) -> float | None:
        name = name_proposal(values)
        failed = name in names[1:8] if values["tuner/round"] == 0 else name == names[8]
        return None if failed else float(names.index(name))

    proposals = drive(HalvingOracle(points, search), tmp_path / "failed", score)
    assert [name_proposal(values) for values in proposals] == [*names, names[8], names[0], names[0]]


def test_halving_ends_when_all_points_of_a_rung_failed(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    assert len(drive(HalvingOracle(POINTS[:9], search), tmp_path, lambda _: None)) == 9


@pytest.mark.parametrize("tuner", ["halving", "grid", "random"])
@pytest.mark.parametrize("points", [4, 30])
def test_as_many_epochs_are_proposed_as_planned(
    tuner: TunerName, points: int, search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    config = dataclasses.replace(search, tuner=tuner, max_trials=7)
    proposals = drive(make_oracle(POINTS[:points], config, seed=1), tmp_path, score_at_random)
    epochs = sum(values.get("tuner/epochs", 9) - values.get("tuner/initial_epoch", 0) for values in proposals)
    assert epochs == plan_epochs(points, config)


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_every_affordable_point_is_proposed_once_failed_ones_too_up_to_the_limit(
    tuner: TunerName, search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = _AFFORDABLE[:4]
    oracle = make_oracle(points, dataclasses.replace(search, tuner=tuner, max_trials=9), seed=3)
    names = [name_proposal(values) for values in drive(oracle, tmp_path / "all", score_at_random)]
    assert sorted(names) == sorted(name_point(point) for point in points)
    assert names != [name_point(point) for point in points]

    oracle = make_oracle(_AFFORDABLE, dataclasses.replace(search, tuner=tuner, max_trials=5), seed=3)
    proposals = drive(
        oracle, tmp_path / "five", lambda values: None if values["token_reducer"] == "token_learner" else 0.5
    )
    assert len({name_proposal(values) for values in proposals}) == len(proposals) == 5


def test_the_bayesian_search_learns_from_the_first_third_of_its_trials(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    """KerasTuner's own default is three times the hyperparameters, here all of them."""
    proposals = {}
    for tuner in ("random", "bayesian"):
        oracle = make_oracle(POINTS, dataclasses.replace(search, tuner=tuner, max_trials=9), seed=3)
        drawn = drive(oracle, tmp_path / tuner, score_at_random, most=4)
        proposals[tuner] = [name_proposal(values) for values in drawn]
    assert proposals["bayesian"][:3] == proposals["random"][:3]
    assert proposals["bayesian"][3] != proposals["random"][3]


@pytest.mark.parametrize("tuner", ["halving", "random", "bayesian", "grid"])
def test_the_same_seed_and_results_lead_to_the_same_proposals(
    tuner: TunerName, search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    """The first seed is 0, which KerasTuner replaces by a random one."""
    config = dataclasses.replace(search, tuner=tuner, max_trials=3)
    first, again, other = (
        drive(make_oracle(_AFFORDABLE, config, seed=seed), tmp_path / attempt, score_at_random)
        for attempt, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again
    assert len(first) >= 3
    assert (first == other) == (tuner in ("halving", "grid"))
