"""A search goes on though trials fail, and ends in an error only if there is nothing to choose from."""

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
from trainings import FitterIn, Searched, search_in

from components.artifacts.trial import read_trials
from components.trainer.config import TrainerConfig
from components.trainer.search.search import SearchFailedError
from components.trainer.search.tuner import describe_failure
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter, TrainingFailedError
from models.search_space import name_point
from models.vit_config import ViTConfig

Fails = Callable[[str, int, int], Exception | None]  # from point, seed and epochs
SearchWith = Callable[[Fails], Searched]


@pytest.fixture
def search_with(
    config: TrainerConfig,
    fitter_in: FitterIn,
    state: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SearchWith:
    """Searches where most is trained already, and some trainings fail."""
    fit = Fitter.fit

    def search(fails: Fails) -> Searched:
        def fail_or_fit(
            self: Fitter, network: ViTConfig, *, seed: int, epochs: int | None = None, **kwargs: Any
        ) -> Checkpoint:
            error = fails(name_point(network), seed, epochs or 0)
            if error is not None:
                raise error
            return fit(self, network, seed=seed, epochs=epochs, **kwargs)

        monkeypatch.setattr(Fitter, "fit", fail_or_fit)
        return search_in(config, fitter_in(state), tmp_path)

    return search


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory"),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), "out of memory"),
        (ValueError("no such shape\nat 0x7f"), "ValueError: no such shape"),
        (AssertionError(), "AssertionError"),
        (TrainingFailedError("the training loss is nan in epoch 2"), "the training loss is nan in epoch 2"),
    ],
)
def test_a_failure_is_described_in_one_line(error: Exception, reason: str) -> None:
    assert describe_failure(error) == reason


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_search_goes_on(
    searched: Searched, search_with: SearchWith
) -> None:
    """The best point runs out of memory in its second rung; the next one of the first rung does not replace it."""
    best = searched.of_stage("search")[4].point
    found = search_with(lambda point, _, epochs: MemoryError() if (point, epochs) == (best, 2) else None)
    trials = found.of_stage("search")
    assert [trial.round for trial in trials] == [0] * 4 + [1] * 2 + [2]
    (failed,) = (trial for trial in found.search.trials if trial.status == "failed")
    assert (failed.point, failed.initial_epoch, failed.epochs) == (best, 1, 2)
    assert (failed.reason, failed.valid_accuracy, failed.parameters) == ("out of memory", None, None)
    assert best != trials[-1].point
    assert read_trials(found.search.folder)[trials.index(failed)] == failed


def test_a_finalist_that_fails_with_one_seed_is_not_compared(searched: Searched, search_with: SearchWith) -> None:
    winner = searched.choice.winner.name
    found = search_with(lambda point, seed, _: ValueError("unlucky") if (point, seed) == (winner, 2) else None)
    names = {candidate.name for candidate in searched.choice.candidates}
    assert {candidate.name for candidate in found.choice.candidates} == names - {winner}
    assert found.choice.candidates[0].correct.shape[0] == 2


def test_if_every_repeat_fails_the_first_seed_decides(searched: Searched, search_with: SearchWith) -> None:
    found = search_with(lambda _, seed, __: ValueError("unlucky") if seed == 2 else None)
    names = {candidate.name for candidate in searched.choice.candidates}
    assert {candidate.name for candidate in found.choice.candidates} == names
    assert found.choice.candidates[0].correct.shape[0] == 1
    assert not found.choice.is_seed_deviation_measured


def test_a_search_without_a_result_ends_with_the_first_reason(searched: Searched, search_with: SearchWith) -> None:
    first = searched.search.trials[0].point
    with pytest.raises(SearchFailedError, match=f"^all trials failed; the first one, {first}: out of memory$"):
        search_with(lambda point, *_: MemoryError() if point == first else ValueError("else"))
    with pytest.raises(SearchFailedError, match=r"no finalist could be trained to the end; trials.jsonl has"):
        search_with(lambda _, __, epochs: MemoryError() if epochs == 4 else None)
    with pytest.raises(KeyboardInterrupt):
        search_with(lambda *_: KeyboardInterrupt())  # type: ignore[arg-type]
