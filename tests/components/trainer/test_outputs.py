"""The outcome of a search."""

import dataclasses
import pathlib

import numpy as np
import pytest
from trainings import Searched

from components.artifacts.search_outcome import Finalist, SearchOutcome, Spending, Untrained, read_search, write_search
from components.trainer.findings import describe_choice
from components.trainer.outputs import describe_search
from components.trainer.search.selection import Candidate, choose
from models.macs import count_macs
from models.search_space import name_point


@pytest.fixture
def found(searched: Searched, tmp_path: pathlib.Path) -> SearchOutcome:
    """The search.json of a real search in which, besides, two points were dropped and one failed."""
    first = dataclasses.replace(searched.search.trials[0], valid_accuracy=None)
    dropped = dataclasses.replace(first, point="too expensive", epochs=0, status="dropped", reason="needs 1000.00")
    failed = dataclasses.replace(
        first, point="broken", initial_epoch=1, epochs=2, status="failed", reason="out of memory"
    )
    write_search(describe_search(searched.choice, [dropped, *searched.search.trials, failed], 4, ["A note."]), tmp_path)
    return read_search(tmp_path)


def test_the_choice_is_written_with_what_it_rests_on(searched: Searched, found: SearchOutcome) -> None:
    choice = searched.choice
    assert (found.winner, found.best) == (choice.winner.name, choice.best.name)
    assert found.sentences == (*describe_choice(choice), "A note.")
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
    for name in ("differences", "winner_differences", "learned_differences", "reference_differences"):
        assert getattr(found, name) == getattr(choice, name)


def test_what_was_spent_dropped_and_failed_is_written(searched: Searched, found: SearchOutcome) -> None:
    repeats = searched.of_stage("finalists")
    assert found.epochs == Spending(
        backbone=0,
        search=8 + 1,
        finalists=sum(trial.epochs - trial.initial_epoch for trial in repeats),
        every_point_fully=4 * (4 + 1),
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
