"""Proposals: which point is trained next, for how many epochs and with which seed.

Each proposal carries, in KerasTuner's way, "tuner/epochs" (to train up to), "tuner/initial_epoch" and "tuner/round";
"tuner/seed" is ours. No plan needs its state back after an interruption: the same proposals come again, and what is
trained already is not trained again.
"""

from collections.abc import Sequence
from typing import Any

import keras_tuner

from models.search_space import describe_point
from models.vit_config import ViTConfig

OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
EPOCHS = "tuner/epochs"
INITIAL_EPOCH = "tuner/initial_epoch"
ROUND = "tuner/round"
SEED = "tuner/seed"
REASON = "tuner/reason"  # why a trial failed: KerasTuner's own message does not come back from another process
TRIAL_ID = "tuner/trial_id"  # of the trial that is promoted

ANY_NUMBER = 10**9  # of failed trials in a row: they are recorded, and the search goes on

Values = dict[str, Any]


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
