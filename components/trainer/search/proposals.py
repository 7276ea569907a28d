"""Proposals: which point is trained next, for how many epochs and with which seed.

Each proposal carries "tuner/epochs" (train up to this epoch), "tuner/initial_epoch" and "tuner/round", named as in
KerasTuner, and "tuner/seed", which is ours. No oracle has to restore its state after an interruption: it makes the same
proposals again, and epochs that are already trained are not trained again.
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
OUT_OF_TIME = "the time of --search.max-minutes was over"
REASON = "tuner/reason"  # why a trial failed: a worker's trial reaches the chief without KerasTuner's own message
TRIAL_ID = "tuner/trial_id"  # of the trial that is promoted

ANY_NUMBER = 10**9  # of consecutive failed trials: each is recorded, and the search goes on

Values = dict[str, Any]


class PlanOracle(keras_tuner.Oracle):
    """Makes the proposals of a list, in its order.

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
        """Fills `waiting` once it is empty; returns False if there are no more proposals."""
        return False


def propose(point: ViTConfig, *, epochs: int, seed: int | None = None) -> Values:
    """Proposes to train a point up to an epoch.

    Args:
        point: A network.
        epochs: The epoch.
        seed: None: the seed of the search.

    Returns:
        Values of hyperparameters.
    """
    values = {**describe_point(point), EPOCHS: epochs, INITIAL_EPOCH: 0, ROUND: 0}
    return values if seed is None else {**values, SEED: seed}
