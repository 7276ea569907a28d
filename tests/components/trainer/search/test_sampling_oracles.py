"""Who is trained next: what KerasTuner draws from the points that the budget allows."""

import dataclasses
import pathlib
from collections import Counter

import keras_tuner
import pytest
from oracle_driver import POINTS, drive, name_proposal, score_at_random

from components.trainer.config import SearchConfig, TrainerConfig, TunerName
from components.trainer.search.oracles import make_oracle
from components.trainer.search.proposals import OBJECTIVE
from models.search_space import name_point

_AFFORDABLE = tuple(point for i, point in enumerate(POINTS) if i % 3)[:16]  # a ceiling cuts corners off a space
_TUNERS: tuple[TunerName, ...] = ("halving", "hyperband", "random", "bayesian", "grid")

pytestmark = pytest.mark.filterwarnings("ignore:The optimal value found for dimension")  # scikit-learn's, of few trials


@pytest.fixture
def search(config: TrainerConfig) -> SearchConfig:
    return dataclasses.replace(config.search, min_epochs=1, max_epochs=9, reduction_factor=3)


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_every_affordable_point_is_proposed_once_and_then_the_search_stops(
    tuner: TunerName,
    search: SearchConfig,
    tmp_path: pathlib.Path,
) -> None:
    points = _AFFORDABLE[:4]
    oracle = make_oracle(points, dataclasses.replace(search, tuner=tuner, max_trials=9), seed=3)
    names = [name_proposal(values) for values in drive(oracle, tmp_path, score_at_random)]
    assert sorted(names) == sorted(name_point(point) for point in points)
    assert names != [name_point(point) for point in points]


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_no_more_points_are_proposed_than_asked_for_and_failed_ones_are_not_proposed_again(
    tuner: TunerName,
    search: SearchConfig,
    tmp_path: pathlib.Path,
) -> None:
    oracle = make_oracle(_AFFORDABLE, dataclasses.replace(search, tuner=tuner, max_trials=6), seed=3)
    proposals = drive(oracle, tmp_path, lambda values: None if values["token_reducer"] == "token_learner" else 0.5)
    assert len({name_proposal(values) for values in proposals}) == len(proposals) == 6


def test_the_bayesian_search_learns_from_the_first_third_of_its_trials(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    """KerasTuner's own default is three times the hyperparameters, here all of them."""
    proposals = {}
    for tuner in ("random", "bayesian"):
        oracle = make_oracle(POINTS, dataclasses.replace(search, tuner=tuner, max_trials=9), seed=3)
        proposals[tuner] = [name_proposal(values) for values in drive(oracle, tmp_path / tuner, score_at_random)]
    assert proposals["bayesian"][:3] == proposals["random"][:3]
    assert proposals["bayesian"][3] != proposals["random"][3]


def test_the_hyperband_of_keras_tuner_stops_in_its_first_round_on_a_small_space(tmp_path: pathlib.Path) -> None:
    """The reason for an oracle of our own; if this fails, KerasTuner's may do."""
    oracle = keras_tuner.oracles.HyperbandOracle(objective=OBJECTIVE, max_epochs=9, factor=3, seed=1)
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Choice("num_tokens", [1, 2, 4, 8])
    oracle.update_space(hyperparameters)
    proposals = drive(oracle, tmp_path, lambda values: values["num_tokens"])
    assert {values["tuner/epochs"] for values in proposals} == {1}
    assert len(proposals) <= 4


def test_our_hyperband_goes_through_all_its_brackets_on_a_small_space(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    points = POINTS[:4]
    oracle = make_oracle(points, dataclasses.replace(search, tuner="hyperband"), seed=1)
    proposals = drive(oracle, tmp_path, score_at_random)
    assert {name_proposal(values) for values in proposals} <= {name_point(point) for point in points}
    rungs = Counter(
        (values["tuner/bracket"], values["tuner/initial_epoch"], values["tuner/epochs"]) for values in proposals
    )
    assert rungs == {(2, 0, 1): 4, (2, 1, 3): 2, (2, 3, 9): 1, (1, 0, 3): 4, (1, 3, 9): 2, (0, 0, 9): 3}
    for bracket in (2, 1, 0):
        begun = [name_proposal(v) for v in proposals if v["tuner/bracket"] == bracket and not v["tuner/initial_epoch"]]
        assert len(set(begun)) == len(begun)
    for values in proposals:
        if values["tuner/initial_epoch"]:
            before = proposals[int(values["tuner/trial_id"])]
            assert (name_proposal(before), before["tuner/epochs"]) == (
                name_proposal(values),
                values["tuner/initial_epoch"],
            )


def test_our_hyperband_has_the_brackets_of_keras_tuner_on_a_large_space(
    search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    oracle = make_oracle(POINTS, dataclasses.replace(search, tuner="hyperband"), seed=1)
    proposals = drive(oracle, tmp_path, score_at_random)
    rungs = Counter((values["tuner/bracket"], values["tuner/epochs"]) for values in proposals)
    assert rungs == {(2, 1): 9, (2, 3): 3, (2, 9): 1, (1, 3): 5, (1, 9): 2, (0, 9): 3}


def test_our_hyperband_goes_on_when_trials_fail(search: SearchConfig, tmp_path: pathlib.Path) -> None:
    oracle = make_oracle(POINTS[:4], dataclasses.replace(search, tuner="hyperband"), seed=1)
    proposals = drive(oracle, tmp_path, lambda values: None if values["tuner/bracket"] == 2 else 0.5)
    rungs = Counter((values["tuner/bracket"], values["tuner/epochs"]) for values in proposals)
    assert rungs == {(2, 1): 4, (1, 3): 4, (1, 9): 2, (0, 9): 3}


@pytest.mark.parametrize("tuner", _TUNERS)
def test_the_same_seed_and_results_bring_the_same_proposals(
    tuner: TunerName, search: SearchConfig, tmp_path: pathlib.Path
) -> None:
    """The seed is 0, which KerasTuner takes for none."""
    sequences = []
    for attempt in ("first", "again"):
        oracle = make_oracle(_AFFORDABLE, dataclasses.replace(search, tuner=tuner, max_trials=3), seed=0)
        sequences.append(drive(oracle, tmp_path / attempt, score_at_random))
    assert sequences[0] == sequences[1]
    assert len(sequences[0]) >= 3


@pytest.mark.parametrize("tuner", ["random", "hyperband"])
def test_another_seed_brings_other_proposals(
    tuner: TunerName,
    search: SearchConfig,
    tmp_path: pathlib.Path,
) -> None:
    sequences = []
    for seed in (1, 2):
        oracle = make_oracle(_AFFORDABLE, dataclasses.replace(search, tuner=tuner, max_trials=4), seed=seed)
        sequences.append([name_proposal(v) for v in drive(oracle, tmp_path / str(seed), score_at_random)])
    assert sequences[0] != sequences[1]
