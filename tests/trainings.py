"""Trains and searches among the tiny networks of these tests, and compares trainings bit by bit."""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.artifacts.epoch import Epoch
from components.artifacts.trial import Trial
from components.trainer.assignment import Assignment
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.data.pixel_file import PixelFile
from components.trainer.listener import Listener, Training
from components.trainer.progress import LOGGER, EpochReporter, Progress
from components.trainer.search.chief import Chief, start_chief
from components.trainer.search.search import Search
from components.trainer.search.selection import Candidate, Choice
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.reducers.registry import TokenReducer
from models.vit_config import ViTConfig

FitterIn = Callable[[pathlib.Path], Fitter]
SCHEDULE = Schedule(cycles=(4,))
TRAINING = Training(name="a,seed=1", network="a", macs=10, config={}, seed=1)
NAN = 255  # a pixel that `normalize` makes no number


def normalize(pixels: tf.Tensor) -> tf.Tensor:
    """Returns float32 values around zero."""
    return tf.where(pixels == NAN, np.float32(np.nan), (tf.cast(pixels, tf.float32) - 128) / 32)


def make_examples(
    pixels: np.ndarray, labels: np.ndarray, normalize: Callable[[tf.Tensor], Any] = normalize
) -> Examples:
    """Makes a split of images, uint8 [examples, height, width, channels], and labels, int64 [examples]."""
    file = PixelFile(pixels.shape[1:])
    file.append(pixels)
    return Examples(pixels=file, labels=tf.constant(labels), normalize=normalize)


def make_point(reducer: TokenReducer | None, placement: int = 1) -> ViTConfig:
    """Makes a point; the later the reducer stands, the more it costs, and the network without one costs most."""
    backbone = ViTConfig(image_size=8, patch_size=2, dim=4, depth=3, num_heads=2, mlp_dims=(4,), num_classes=2)
    if reducer is None:
        return backbone
    return dataclasses.replace(backbone, token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=2)


def make_candidate(point: ViTConfig, *right: int | Sequence[int]) -> Candidate:
    """Makes a candidate from the images that each seed got right, out of a hundred; a number: the first ones."""
    rows = [np.isin(np.arange(100), range(images) if isinstance(images, int) else images) for images in right]
    return Candidate(network=point, correct=np.array(rows))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Searched:
    """A search and its progress reports."""

    search: Search
    choice: Choice
    reports: list[dict[str, Any]]
    logged: list[tuple[str, int]]  # each training and epoch that listeners received

    @property
    def state(self) -> pathlib.Path:
        """The folder of its trainings."""
        return self.search.fitter.folder

    def of_stage(self, stage: str) -> list[Trial]:
        """Returns the trials of a stage."""
        return [trial for trial in self.search.trials if trial.stage == stage]


def with_search(config: TrainerConfig, **changes: Any) -> TrainerConfig:
    """Returns the config with another search."""
    return dataclasses.replace(config, search=dataclasses.replace(config.search, **changes))


class EpochList(Listener):
    """Records the training and the number of each epoch."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, int]] = []

    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        self.logged += [(training.name, epoch.epoch) for epoch in epochs]


def search_in(
    config: TrainerConfig,
    fitter: Fitter,
    folder: pathlib.Path,
    chief: Chief | None = None,
    listeners: Sequence[Listener] = (),
) -> Searched:
    """Searches, with all reports."""
    epochs = EpochList()
    search = Search(config, fitter, folder, chief, listeners=[epochs, *listeners])
    with listening() as reports:
        return Searched(search=search, choice=search.run(), reports=reports, logged=epochs.logged)


def search_assigned(assignment: Assignment, folder: pathlib.Path, workers: int) -> Searched:
    """Searches as the Trainer does, in a folder that may hold the trainings of an earlier search."""
    state = dataclasses.replace(assignment.config.state, folder=str(folder))
    config = with_search(dataclasses.replace(assignment.config, state=state), workers=workers)
    assignment = dataclasses.replace(assignment, config=config)
    (folder / "run").mkdir(exist_ok=True)
    with (
        assignment.open_fitter() as fitter,
        start_chief(dataclasses.replace(assignment, state=str(fitter.folder)), folder) as chief,
    ):
        return search_in(config, fitter, folder / "run", chief)


@contextlib.contextmanager
def listening() -> Iterator[list[dict[str, Any]]]:
    """Yields the progress reports, as they come."""
    reports: list[dict[str, Any]] = []
    listener = logging.Handler()
    listener.emit = lambda record: reports.extend(filter(None, [vars(record).get("progress")]))  # type: ignore[method-assign]
    LOGGER.addHandler(listener)
    LOGGER.setLevel(logging.INFO)
    try:
        yield reports
    finally:
        LOGGER.removeHandler(listener)


def train_up_to(fitter: Fitter, network: ViTConfig, epochs: int, seed: int = 1) -> Checkpoint:
    """Trains up to an epoch out of four."""
    reporter = EpochReporter(Progress(), "training", TRAINING, epochs)
    return fitter.fit(network, seed=seed, epochs=epochs, schedule=SCHEDULE, reporter=reporter)


def assert_same(training: Checkpoint | None, other: Checkpoint) -> None:
    """Asserts that trainings are bit-identical, but for their seconds."""
    assert training is not None
    ends, others = (
        [dataclasses.replace(epoch, seconds=0) for epoch in epochs] for epochs in (training.epochs, other.epochs)
    )
    assert (ends, training.parameters) == (others, other.parameters)
    np.testing.assert_array_equal(training.correct, other.correct)
    for arrays, same in ((training.state, other.state), (training.best_weights, other.best_weights)):
        assert [i for i, pair in enumerate(zip(arrays, same, strict=True)) if not np.array_equal(*pair)] == []


def assert_same_search(again: Searched, searched: Searched) -> None:
    """Asserts that a search tried and chose what another did, in any order of trials."""
    assert _describe(again) == _describe(searched)


def _describe(searched: Searched) -> dict[str, Any]:
    trials = [
        dataclasses.replace(
            trial, seconds=0, history=tuple(dataclasses.replace(epoch, seconds=0) for epoch in trial.history)
        )
        for trial in searched.search.trials
    ]
    choice = searched.choice
    return {
        "trials": sorted(trials, key=lambda trial: (trial.stage, str(trial.trial_id))),
        "winners": (choice.winner.name, choice.best.name),
        "candidates": [(candidate.name, candidate.correct.tolist()) for candidate in choice.candidates],
        "differences": (choice.differences, choice.winner_differences, choice.learned_differences),
        "seed_deviation": choice.seed_deviation,
    }
