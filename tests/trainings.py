"""Trains and searches among the tiny networks of these tests, and compares trainings to the bit."""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from components.artifacts.trial import Trial
from components.trainer.config import TrainerConfig
from components.trainer.progress import LOGGER, EpochReporter
from components.trainer.search.chief import Chief
from components.trainer.search.search import Search
from components.trainer.search.selection import Choice
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.vit_config import ViTConfig

FitterIn = Callable[[pathlib.Path], Fitter]
SCHEDULE_EPOCHS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Searched:
    """A search that was listened to."""

    search: Search
    choice: Choice
    reports: list[dict[str, Any]]  # of its progress

    @property
    def state(self) -> pathlib.Path:
        """The folder of its trainings."""
        return self.search.fitter.folder

    def of_stage(self, stage: str) -> list[Trial]:
        """Returns the trials of a stage."""
        return [trial for trial in self.search.trials if trial.stage == stage]


def search_in(
    config: TrainerConfig,
    fitter: Fitter,
    folder: pathlib.Path,
    chief: Chief | None = None,
    listen: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Searched:
    """Searches, and listens; whoever wants to hear each report at once says so."""
    search = Search(config, fitter, folder, chief)
    with listening(listen) as reports:
        return Searched(search=search, choice=search.run(), reports=reports)


@contextlib.contextmanager
def listening(listen: Callable[[dict[str, Any]], None] = lambda _: None) -> Iterator[list[dict[str, Any]]]:
    """Listens to progress; yields what is reported, and passes each report on at once."""
    reports: list[dict[str, Any]] = []

    def hear(record: logging.LogRecord) -> None:
        if not hasattr(record, "progress"):
            return
        reports.append(vars(record)["progress"])
        listen(reports[-1])

    listener = logging.Handler()
    listener.emit = hear  # type: ignore[method-assign]
    LOGGER.addHandler(listener)
    level = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    try:
        yield reports
    finally:
        LOGGER.removeHandler(listener)
        LOGGER.setLevel(level)


def train_up_to(fitter: Fitter, network: ViTConfig, epochs: int, seed: int = 1) -> Checkpoint:
    """Trains up to an epoch out of four."""
    reporter = EpochReporter("training", epochs, 0, epochs)
    return fitter.fit(network, seed=seed, epochs=epochs, schedule_epochs=SCHEDULE_EPOCHS, reporter=reporter)


def assert_same(training: Checkpoint | None, other: Checkpoint) -> None:
    """Asserts that trainings are equal to the bit, but for their seconds."""
    assert training is not None
    ends, others = (
        [dataclasses.replace(epoch, seconds=0) for epoch in epochs] for epochs in (training.epochs, other.epochs)
    )
    assert ends == others
    np.testing.assert_array_equal(training.correct, other.correct)
    for arrays, same in ((training.state, other.state), (training.best_weights, other.best_weights)):
        differing = [i for i, pair in enumerate(zip(arrays, same, strict=True)) if not np.array_equal(*pair)]
        assert differing == []
    assert training.parameters == other.parameters


def without_seconds(trials: list[Trial]) -> list[Trial]:
    """Returns trials as they would be had they taken no time."""
    return [
        dataclasses.replace(
            trial, seconds=0, history=tuple(dataclasses.replace(epoch, seconds=0) for epoch in trial.history)
        )
        for trial in trials
    ]


def describe(choice: Choice) -> dict[str, Any]:
    """Returns all that a choice found, as values that compare."""
    return {
        "winner": choice.winner.name,
        "best": choice.best.name,
        "candidates": [(candidate.name, candidate.correct.tolist()) for candidate in choice.candidates],
        "differences": (choice.differences, choice.winner_differences, choice.learned_differences),
        "seed_deviation": choice.seed_deviation,
    }
