"""A real search, small: every point is trained, told, written down and ranked."""

import dataclasses
import json
import logging
import pathlib
from typing import Any

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import FitConfig, SearchConfig, TrainerConfig
from components.trainer.progress import LOGGER
from components.trainer.read import training_batches, validation_batches
from components.trainer.search import Trial, count_trials, search, winning_config
from models.macs import count_macs
from models.vit_config import ViTConfig

_POINTS = {(0, 1), (0, 2), (1, 1), (1, 2)}


@pytest.fixture(scope="module")
def config(trunk: ViTConfig, fit_config: FitConfig) -> TrainerConfig:
    space = SearchConfig(placements=(0, 1), token_counts=(1, 2), max_trials=9, epochs=1)
    return TrainerConfig(trunk=trunk, search=space, fit=fit_config)


def run_search(config: TrainerConfig, examples: tf.data.Dataset, folder: pathlib.Path) -> list[Trial]:
    """Searches with four batches an epoch, as the Trainer does."""
    train, valid = training_batches(examples, config.fit), validation_batches(examples, config.fit)
    return search(config, train, valid, folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def reports() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def trials(
    config: TrainerConfig, examples: tf.data.Dataset, folder: pathlib.Path, reports: list[dict[str, Any]]
) -> list[Trial]:
    """The trials of a search whose reports are listened to."""
    listener = logging.Handler()
    listener.emit = lambda record: reports.append(vars(record)["progress"])  # type: ignore[method-assign]
    LOGGER.addHandler(listener)
    level = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    try:
        return run_search(config, examples, folder)
    finally:
        LOGGER.removeHandler(listener)
        LOGGER.setLevel(level)


def test_every_point_is_tried_once(trials: list[Trial]) -> None:
    assert len(trials) == 4
    assert {(trial.blocks_before_token_learner, trial.num_tokens) for trial in trials} == _POINTS


def test_a_trial_tells_its_accuracy_its_compute_and_its_time(config: TrainerConfig, trials: list[Trial]) -> None:
    for trial in trials:
        network = winning_config(config, [trial])
        assert network == dataclasses.replace(
            config.trunk,
            blocks_before_token_learner=trial.blocks_before_token_learner,
            num_tokens=trial.num_tokens,
        )
        assert trial.macs == count_macs(network).total
        assert (trial.valid_accuracy * 32).is_integer()
        assert trial.epochs == 1
        assert 0 < trial.seconds < 120


def test_the_best_trial_comes_first(trials: list[Trial]) -> None:
    assert [trial.valid_accuracy for trial in trials] == sorted(
        (trial.valid_accuracy for trial in trials), reverse=True
    )
    assert trials[0].valid_accuracy > 0.5


def test_all_trials_are_written_down(trials: list[Trial], folder: pathlib.Path) -> None:
    lines = (folder / "trials.jsonl").read_text().splitlines()
    assert [Trial(**json.loads(line)) for line in lines] == trials


def test_progress_is_told_trial_by_trial(
    trials: list[Trial], reports: list[dict[str, Any]], config: TrainerConfig
) -> None:
    phases = [report["phase"] for report in reports]
    assert list(dict.fromkeys(phases)) == [f"trial {k} of 4" for k in (1, 2, 3, 4)]
    assert phases == sorted(phases)
    shares = [report["share"] for report in reports]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] == 4 / (4 + config.fit.epochs)  # the final fit follows
    accuracies = {report["phase"]: report["valid_accuracy"] for report in reports}.values()
    assert sorted(accuracies) == sorted(trial.valid_accuracy for trial in trials)


def test_of_equal_trials_the_one_with_fewer_macs_wins_and_no_more_than_asked_for_are_tried(
    config: TrainerConfig, tmp_path: pathlib.Path
) -> None:
    alike = tf.data.Dataset.from_tensor_slices((np.ones((32, 8, 8, 3), np.float32), np.arange(32) % 2))
    space = SearchConfig(placements=(1, 0), token_counts=(2, 1), max_trials=2, epochs=1)
    trials = run_search(dataclasses.replace(config, search=space), alike, tmp_path)
    assert [trial.valid_accuracy for trial in trials] == [0.5, 0.5]
    macs = [trial.macs for trial in trials]
    assert macs == sorted(set(macs))
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(("max_trials", "trials"), [(1, 1), (4, 4), (9, 4)])
def test_a_search_never_tries_more_points_than_there_are(config: TrainerConfig, max_trials: int, trials: int) -> None:
    space = dataclasses.replace(config.search, max_trials=max_trials)
    assert count_trials(dataclasses.replace(config, search=space)) == trials


def test_a_trial_that_fails_ends_the_search_and_says_why(config: TrainerConfig, tmp_path: pathlib.Path) -> None:
    """KerasTuner alone would choose among the other trials without a word."""
    too_small = tf.data.Dataset.from_tensor_slices((np.ones((32, 4, 4, 3), np.float32), np.zeros(32, np.int64)))
    with pytest.raises(keras_tuner.errors.FatalRuntimeError, match="trial 1 failed: "):
        run_search(config, too_small, tmp_path)
