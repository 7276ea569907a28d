"""A search by many workers, simulated: KerasTuner's real oracles, with recorded seconds in place of training."""

import dataclasses
import heapq
import itertools
import pathlib
import random
from collections.abc import Sequence

import keras_tuner

from components.trainer.config import SearchConfig
from components.trainer.search import proposals
from components.trainer.search.oracles import make_oracle
from models.hypermodel import TokenLearnerHyperModel
from models.search_space import SearchSpace, name_point

_SEED = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulated search took."""

    seconds: float
    busy_seconds: float  # of all workers together
    trials: int
    epochs: int


class Clockwork:
    """Draws how long the epochs of each point take, and how good it is; the same for every search.

    Args:
        space: The points.
        epoch_seconds: Recorded ones; each point is given one, and each of its trials up to a tenth more or less.
    """

    def __init__(self, space: SearchSpace, epoch_seconds: Sequence[float]) -> None:
        self.points = space.points()
        self.hypermodel = TokenLearnerHyperModel(space, lambda _: None)
        draw = random.Random(_SEED)
        self._seconds = {name_point(point): draw.choice(epoch_seconds) for point in self.points}
        self._quality = {name_point(point): draw.random() for point in self.points}

    def run(self, trial: keras_tuner.engine.trial.Trial) -> tuple[float, int, float]:
        """Returns the seconds, the epochs and the accuracy of a trial."""
        values = trial.hyperparameters.values
        name = name_point(self.hypermodel.vit_config(trial.hyperparameters))
        epochs = values[proposals.EPOCHS] - values[proposals.INITIAL_EPOCH]
        draw = random.Random(f"{name} {values[proposals.EPOCHS]}")
        accuracy = self._quality[name] + draw.gauss(0, 0.1)
        return epochs * self._seconds[name] * draw.uniform(0.9, 1.1), epochs, accuracy


def simulate(clockwork: Clockwork, config: SearchConfig, workers: int, folder: pathlib.Path) -> Outcome:
    """Lets workers ask the oracle that a search would ask, and lets time pass.

    Args:
        clockwork: In place of training.
        config: Tuner, epochs, reduction factor.
        workers: How many ask.
        folder: Empty; for KerasTuner's files.
    """
    oracle = make_oracle(clockwork.points, config, seed=_SEED)
    oracle._set_project_dir(str(folder), "search")
    oracle.verbose = 0
    space = oracle.get_space()
    clockwork.hypermodel.vit_config(space)
    oracle.update_space(space)
    idle, now, busy, epochs, number = list(range(workers)), 0.0, 0.0, 0, itertools.count()
    running: list[tuple[float, int, int, keras_tuner.engine.trial.Trial, float]] = []
    while True:
        while idle and (trial := oracle.create_trial(f"worker{idle[-1]}")).status == "RUNNING":
            seconds, of_trial, accuracy = clockwork.run(trial)
            heapq.heappush(running, (now + seconds, next(number), idle.pop(), trial, accuracy))
            busy, epochs = busy + seconds, epochs + of_trial
        if not running:
            return Outcome(seconds=now, busy_seconds=busy, trials=len(oracle.trials), epochs=epochs)
        now, _, worker, trial, accuracy = heapq.heappop(running)
        oracle.update_trial(trial.trial_id, {proposals.OBJECTIVE.name: accuracy})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
        idle.append(worker)
