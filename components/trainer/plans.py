"""Plans: which point is trained next, for how many epochs and with which seed; successive halving among them.

Each proposal carries, in KerasTuner's way, "tuner/epochs" (to train up to), "tuner/initial_epoch" and "tuner/round";
"tuner/seed" is ours. No plan needs its state back after an interruption: the same proposals come again, and what is
trained already is not trained again.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras_tuner

from components.trainer.config import SearchConfig
from models.search_space import describe_point
from models.vit_config import ViTConfig

OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
EPOCHS = "tuner/epochs"
INITIAL_EPOCH = "tuner/initial_epoch"
ROUND = "tuner/round"
SEED = "tuner/seed"
_TRIAL_ID = "tuner/trial_id"  # of the trial that is promoted

ANY_NUMBER = 10**9  # of failed trials in a row: they are recorded, and the search goes on

Values = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rung:
    """How many points halving trains up to how many epochs."""

    points: int
    epochs: int


def plan_rungs(points: int, config: SearchConfig) -> tuple[Rung, ...]:
    """Plans successive halving: each rung keeps one point of `reduction_factor`, rounded up, and trains it on.

    Args:
        points: Of the first rung.
        config: Epochs of the first and the last rung, reduction factor.

    Returns:
        The rungs; the last one has `max_epochs`, and at least `finalists` points if there are as many.

    Reference:
        Jamieson and Talwalkar, arXiv 1502.07943.
    """
    epochs, sizes = config.min_epochs, points
    rungs = []
    while epochs < config.max_epochs:
        rungs.append(Rung(points=sizes, epochs=epochs))
        epochs *= config.reduction_factor
        sizes = min(points, max(math.ceil(sizes / config.reduction_factor), config.finalists))
    return (*rungs, Rung(points=sizes, epochs=config.max_epochs))


class PlanOracle(keras_tuner.Oracle):
    """Proposes what a list says, in its order.

    Args:
        plan: Values of hyperparameters, "tuner/…" included.
    """

    def __init__(self, plan: Sequence[Values]) -> None:
        super().__init__(objective=OBJECTIVE, max_consecutive_failed_trials=ANY_NUMBER)
        self.waiting = list(plan)

    def populate_space(self, trial_id: str) -> Values:  # noqa: ARG002
        """Returns the next proposal."""
        if self.waiting or self.plan_on():
            return {"status": "RUNNING", "values": self.waiting.pop(0)}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def plan_on(self) -> bool:
        """Fills `waiting` once it is empty; False if there is nothing more."""
        return False


class HalvingOracle(PlanOracle):
    """Successive halving: all points for a few epochs, the better ones for more, from where they stand.

    Args:
        points: The first rung.
        config: Epochs and reduction factor.
    """

    def __init__(self, points: Sequence[ViTConfig], config: SearchConfig) -> None:
        self.rungs = plan_rungs(len(points), config)
        super().__init__([propose(point, epochs=self.rungs[0].epochs) for point in points])
        self.round = 0

    def plan_on(self) -> bool:
        """Promotes the best of the rung once all of it has ended; of equals those that were proposed first."""
        is_last = self.round + 1 == len(self.rungs)
        if is_last or self.ongoing_trials:
            return False
        of_rung = [trial for trial in self.trials.values() if trial.hyperparameters.values[ROUND] == self.round]
        completed = [trial for trial in of_rung if trial.status == "COMPLETED"]
        completed.sort(key=lambda trial: -trial.score)
        self.round += 1
        rung, before = self.rungs[self.round], self.rungs[self.round - 1]
        for trial in completed[: rung.points]:
            promoted = {EPOCHS: rung.epochs, INITIAL_EPOCH: before.epochs, ROUND: self.round}
            self.waiting.append({**trial.hyperparameters.values, **promoted, _TRIAL_ID: trial.trial_id})
        return bool(self.waiting)


def propose(point: ViTConfig, *, epochs: int, initial_epoch: int = 0, seed: int | None = None) -> Values:
    """Makes the proposal to train a point up to an epoch.

    Args:
        point: A network.
        epochs: To train up to.
        initial_epoch: Trained already.
        seed: None: the tuner's own.

    Returns:
        Values of hyperparameters.
    """
    values = {**describe_point(point), EPOCHS: epochs, INITIAL_EPOCH: initial_epoch, ROUND: 0}
    return values if seed is None else {**values, SEED: seed}


def count_epochs(plan: Sequence[Values]) -> int:
    """Returns the epochs that a list of proposals takes."""
    return sum(values[EPOCHS] - values[INITIAL_EPOCH] for values in plan)
