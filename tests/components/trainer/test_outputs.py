"""What a search leaves for people and for later steps."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest
from trainings import Searched

from components.trainer.findings import describe_choice
from components.trainer.outputs import write_pareto, write_search
from components.trainer.search.selection import Candidate, choose
from components.trainer.search.trials import Trial
from models.macs import count_macs
from models.search_space import name_point


def make_trial(point: str, macs: int, epochs: int, valid_accuracy: float | None, **changes: Any) -> Trial:
    """Makes a trial of which only its place in the picture matters."""
    trial = Trial(
        stage="search",
        trial_id="0",
        round=0,
        point=point,
        config={},
        seed=1,
        initial_epoch=0,
        epochs=epochs,
        macs=macs,
        status="completed",
        valid_accuracy=valid_accuracy,
    )
    return dataclasses.replace(trial, **changes)


def read_pareto(trials: list[Trial], folder: pathlib.Path) -> dict[int, list[tuple[Any, ...]]]:
    """Returns what is written, by the number of epochs."""
    write_pareto(trials, folder / "pareto.json")
    rungs = json.loads((folder / "pareto.json").read_text())
    names = ("point", "macs", "valid_accuracy", "seeds", "is_on_front")
    for rung in rungs:
        assert {tuple(point) for point in rung["points"]} <= {names}
    return {rung["epochs"]: [tuple(point.values()) for point in rung["points"]] for rung in rungs}


def test_a_point_is_on_the_front_if_none_that_costs_as_much_or_less_is_as_accurate(tmp_path: pathlib.Path) -> None:
    trials = [
        make_trial("expensive and best", 50, 1, 0.9),
        make_trial("cheap and bad", 10, 1, 0.3),
        make_trial("expensive and no better", 40, 1, 0.6),
        make_trial("middling", 20, 1, 0.6),
        make_trial("as expensive and worse", 20, 1, 0.5),
    ]
    assert read_pareto(trials, tmp_path) == {
        1: [
            ("cheap and bad", 10, 0.3, 1, True),
            ("middling", 20, 0.6, 1, True),
            ("as expensive and worse", 20, 0.5, 1, False),
            ("expensive and no better", 40, 0.6, 1, False),
            ("expensive and best", 50, 0.9, 1, True),
        ]
    }


def test_each_number_of_epochs_has_a_front_of_its_own_and_seeds_are_averaged(tmp_path: pathlib.Path) -> None:
    trials = [
        make_trial("a", 10, 1, 0.5),
        make_trial("b", 20, 1, 0.4),
        make_trial("a", 10, 3, 0.6),
        make_trial("b", 20, 3, 0.5, seed=1),
        make_trial("b", 20, 3, 0.9, seed=2, stage="finalists"),
    ]
    assert read_pareto(trials, tmp_path) == {
        1: [("a", 10, 0.5, 1, True), ("b", 20, 0.4, 1, False)],
        3: [("a", 10, 0.6, 1, True), ("b", 20, pytest.approx(0.7), 2, True)],
    }


def test_a_seed_that_two_brackets_asked_for_counts_once(tmp_path: pathlib.Path) -> None:
    trials = [make_trial("a", 10, 3, 0.4), make_trial("a", 10, 3, 0.4), make_trial("a", 10, 3, 0.6, seed=2)]
    assert read_pareto(trials, tmp_path) == {3: [("a", 10, pytest.approx(0.5), 2, True)]}


def test_what_failed_or_was_dropped_is_on_no_front(tmp_path: pathlib.Path) -> None:
    trials = [
        make_trial("a", 10, 1, 0.5),
        make_trial("b", 5, 1, None, status="failed"),
        make_trial("c", 90, 0, None, status="dropped"),
    ]
    assert read_pareto(trials, tmp_path) == {1: [("a", 10, 0.5, 1, True)]}
    assert read_pareto(trials[1:], tmp_path) == {}


@pytest.fixture
def found(searched: Searched, tmp_path: pathlib.Path) -> dict[str, Any]:
    """The search.json of a real search in which, besides, two points were dropped and one failed."""
    trials = [
        make_trial("too expensive", 10**9, 0, None, status="dropped", reason="needs 1000.00"),
        *searched.search.trials,
        make_trial("broken", 10, 2, None, status="failed", reason="out of memory", initial_epoch=1),
    ]
    write_search(searched.choice, trials, 4, tmp_path / "search.json")
    return dict(json.loads((tmp_path / "search.json").read_text()))


def test_the_choice_is_written_with_what_it_rests_on(searched: Searched, found: dict[str, Any]) -> None:
    choice = searched.choice
    assert (found["winner"], found["best"]) == (choice.winner.name, choice.best.name)
    assert found["sentences"] == list(describe_choice(choice))
    assert found["learned"] == choice.learned.name if choice.learned else None
    assert (found["seed_deviation"], found["is_seed_deviation_measured"]) == (choice.seed_deviation, True)
    macs = {name_point(point): count_macs(point).total for point in searched.search.points}
    assert found["candidates"] == [
        {
            "point": candidate.name,
            "macs": macs[candidate.name],
            "valid_accuracy": candidate.accuracy,
            "valid_accuracies": candidate.correct.mean(axis=1).tolist(),
            "valid_images": 60,
        }
        for candidate in choice.candidates
    ]
    for written, differences in (
        (found["differences"], choice.differences),
        (found["winner_differences"], choice.winner_differences),
        (found["learned_differences"], choice.learned_differences),
    ):
        assert written == [
            {
                "point": difference.point,
                "than": difference.than,
                "difference": difference.difference,
                "standard_error": difference.standard_error,
                "interval": list(difference.interval),
                "is_larger_than_noise": difference.is_larger_than_noise,
            }
            for difference in differences
        ]


def test_what_was_spent_dropped_and_failed_is_written(searched: Searched, found: dict[str, Any]) -> None:
    repeats = searched.of_stage("finalists")
    assert found["epochs"] == {
        "search": 12 + 1,
        "finalists": sum(trial.epochs - trial.initial_epoch for trial in repeats),
        "every_point_fully": 4 * (5 + 1),
    }
    assert found["dropped"] == [{"point": "too expensive", "reason": "needs 1000.00"}]
    assert found["failed"] == [{"point": "broken", "reason": "out of memory"}]


def test_a_search_without_a_learned_point_or_a_second_seed_is_written_too(
    searched: Searched, tmp_path: pathlib.Path
) -> None:
    backbone = searched.search.config.backbone
    choice = choose(
        [Candidate(network=backbone, correct=np.ones((1, 5), bool))],
        contenders=(),
        assumed_seed_deviation=0.02,
    )
    write_search(choice, [], 4, tmp_path / "search.json")
    found = json.loads((tmp_path / "search.json").read_text())
    assert (found["winner"], found["learned"], found["seed_deviation"]) == ("none", None, 0.02)
    assert (found["differences"], found["winner_differences"], found["learned_differences"]) == ([], [], [])
