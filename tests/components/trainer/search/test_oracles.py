"""Who is trained next: halving, and what all oracles have in common."""

import dataclasses
import pathlib
from collections import Counter

import pytest
from oracle_driver import POINTS, drive, name_proposal, score_at_random

from components.trainer.config import SearchConfig, TrainerConfig, TunerName
from components.trainer.search.halving import AsyncHalvingOracle, HalvingOracle, Rung, plan_rungs
from components.trainer.search.oracles import make_oracle
from components.trainer.search.proposals import PlanOracle, count_epochs, propose
from components.trainer.search.search import plan_epochs
from models.search_space import name_point


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
    planned = plan_rungs(points, dataclasses.replace(search, **changes))  # type: ignore[arg-type]
    assert planned == tuple(Rung(points=size, epochs=epochs) for size, epochs in rungs)


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
    assert count_epochs(proposals) == 27 * 1 + 9 * 2 + 3 * 6


def test_of_equal_points_those_that_were_proposed_first_are_promoted(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = POINTS[:9]
    names = [name_point(point) for point in points]
    best = names[7]
    proposals = drive(
        HalvingOracle(points, search), tmp_path, lambda values: 0.6 if name_proposal(values) == best else 0.5
    )
    assert [name_proposal(values) for values in proposals[9:]] == [best, *names[:2], best]


def test_a_point_that_failed_is_not_promoted(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    points = POINTS[:9]
    names = [name_point(point) for point in points]

    def score(values: dict[str, object]) -> float | None:
        name = name_proposal(values)
        failed = name in names[1:8] if values["tuner/round"] == 0 else name == names[8]
        return None if failed else float(names.index(name))

    proposals = drive(HalvingOracle(points, search), tmp_path, score)
    assert [name_proposal(values) for values in proposals] == [*names, names[8], names[0], names[0]]


def test_halving_ends_when_all_points_of_a_rung_failed(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    proposals = drive(HalvingOracle(POINTS[:9], search), tmp_path, lambda _: None)
    assert len(proposals) == 9


def test_async_halving_promotes_the_best_of_three_as_soon_as_there_are_three(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = POINTS[:9]
    names = [name_point(point) for point in points]
    quality = dict(zip(names, (5, 1, 2, 7, 6, 3, 4, 0, 8), strict=True))
    proposals = drive(AsyncHalvingOracle(points, search), tmp_path, lambda values: quality[name_proposal(values)] / 10)
    ends = [(values["tuner/initial_epoch"], values["tuner/epochs"]) for values in proposals]
    told = [(quality[name_proposal(values)], *end) for values, end in zip(proposals, ends, strict=True)]
    assert told == [
        *((5, 0, 1), (1, 0, 1), (2, 0, 1), (5, 1, 3)),
        *((7, 0, 1), (7, 1, 3)),  # the best of four
        *((6, 0, 1), (3, 0, 1), (6, 1, 3), (7, 3, 9)),  # the second of six; then the best of three in the next rung
        *((4, 0, 1), (0, 0, 1), (8, 0, 1), (8, 1, 3), (8, 3, 9)),
    ]


def test_async_halving_lets_as_many_through_as_halving_and_ends(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(search, finalists=3)
    for count in (1, 4, 10, 27):
        proposals = drive(AsyncHalvingOracle(POINTS[:count], config), tmp_path / str(count), score_at_random)
        reached = Counter(values["tuner/round"] for values in proposals)
        assert all(reached[i] >= rung.points for i, rung in enumerate(plan_rungs(count, config)))
        assert reached[0] == count
        trained = [(name_proposal(values), values["tuner/round"]) for values in proposals]
        assert len(set(trained)) == len(trained)
        for values in proposals:
            assert values["tuner/round"] == 0 or (name_proposal(values), values["tuner/round"] - 1) in trained


def test_async_halving_ends_when_all_points_fail(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    assert len(drive(AsyncHalvingOracle(POINTS[:9], search), tmp_path, lambda _: None)) == 9


def test_a_plan_is_proposed_in_its_order(tmp_path: pathlib.Path) -> None:
    plan = [propose(POINTS[i], epochs=4, initial_epoch=i, seed=i) for i in (2, 0, 1)]
    assert drive(PlanOracle(plan), tmp_path, score_at_random) == plan
    assert [values["tuner/seed"] for values in plan] == [2, 0, 1]
    assert count_epochs(plan) == 2 + 4 + 3


@pytest.mark.parametrize("tuner", ["halving", "grid", "random", "hyperband"])
@pytest.mark.parametrize("points", [4, 30])
def test_as_many_epochs_are_proposed_as_planned(
    tuner: TunerName, points: int, search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    config = dataclasses.replace(search, tuner=tuner, max_trials=7)
    proposals = drive(make_oracle(POINTS[:points], config, seed=1), tmp_path, score_at_random)
    epochs = sum(values.get("tuner/epochs", 9) - values.get("tuner/initial_epoch", 0) for values in proposals)
    planned = plan_epochs(points, config)
    if tuner == "hyperband":
        assert 0.75 * planned < epochs <= planned
    else:
        assert epochs == planned


def test_grid_trains_every_point_fully_once(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    oracle = make_oracle(POINTS, dataclasses.replace(search, tuner="grid", max_trials=1), seed=1)
    proposals = drive(oracle, tmp_path, score_at_random)
    assert [name_proposal(values) for values in proposals] == [name_point(point) for point in POINTS]
    ends = Counter((values["tuner/initial_epoch"], values["tuner/epochs"]) for values in proposals)
    assert ends == {(0, 9): len(POINTS)}
