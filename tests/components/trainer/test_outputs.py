"""What a search leaves for people and for later steps."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
from trainings import Searched

from components.artifacts.search_outcome import Finalist, SearchOutcome, Spending, Untrained, read_search, write_search
from components.artifacts.trial import Trial
from components.trainer.findings import describe_choice
from components.trainer.outputs import describe_search
from components.trainer.search.selection import Candidate, choose
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


@pytest.fixture
def found(searched: Searched, tmp_path: pathlib.Path) -> SearchOutcome:
    """The search.json of a real search in which, besides, two points were dropped and one failed."""
    trials = [
        make_trial("too expensive", 10**9, 0, None, status="dropped", reason="needs 1000.00"),
        *searched.search.trials,
        make_trial("broken", 10, 2, None, status="failed", reason="out of memory", initial_epoch=1),
    ]
    write_search(describe_search(searched.choice, trials, 4), tmp_path)
    return read_search(tmp_path)


def test_the_choice_is_written_with_what_it_rests_on(searched: Searched, found: SearchOutcome) -> None:
    choice = searched.choice
    assert (found.winner, found.best) == (choice.winner.name, choice.best.name)
    assert found.sentences == describe_choice(choice)
    assert found.learned == (choice.learned.name if choice.learned else None)
    assert (found.seed_deviation, found.is_seed_deviation_measured) == (choice.seed_deviation, True)
    macs = {name_point(point): count_macs(point).total for point in searched.search.points}
    assert found.finalists == tuple(
        Finalist(
            point=candidate.name,
            macs=macs[candidate.name],
            valid_accuracies=tuple(candidate.correct.mean(axis=1).tolist()),
            valid_images=60,
        )
        for candidate in choice.candidates
    )
    assert [each.valid_accuracy for each in found.finalists] == pytest.approx([c.accuracy for c in choice.candidates])
    assert found.differences == choice.differences
    assert found.winner_differences == choice.winner_differences
    assert found.learned_differences == choice.learned_differences
    assert found.reference_differences == choice.reference_differences


def test_what_was_spent_dropped_and_failed_is_written(searched: Searched, found: SearchOutcome) -> None:
    repeats = searched.of_stage("finalists")
    assert found.epochs == Spending(
        search=12 + 1,
        finalists=sum(trial.epochs - trial.initial_epoch for trial in repeats),
        every_point_fully=4 * (5 + 1),
    )
    assert found.dropped == (Untrained(point="too expensive", reason="needs 1000.00"),)
    assert found.failed == (Untrained(point="broken", reason="out of memory"),)


def test_a_search_without_a_learned_point_or_a_second_seed_is_described_too(searched: Searched) -> None:
    backbone = searched.search.config.backbone
    choice = choose(
        [Candidate(network=backbone, correct=np.ones((1, 5), bool))],
        contenders=(),
        assumed_seed_deviation=0.02,
    )
    found = describe_search(choice, [], 4)
    assert (found.winner, found.learned, found.seed_deviation) == ("no_reducer", None, 0.02)
    assert (found.differences, found.winner_differences, found.learned_differences) == ((), (), ())
