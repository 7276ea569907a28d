"""Successive halving: all points for a few epochs, the better ones for more, from where they stand.

Reference:
    Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", arXiv 1502.07943.
"""

from collections.abc import Sequence

import keras_tuner

from components.trainer.config import SearchConfig
from components.trainer.search import proposals
from components.trainer.search.plan import plan_rungs
from components.trainer.search.proposals import PlanOracle, Values, propose
from models.vit_config import ViTConfig


class HalvingOracle(PlanOracle):
    """Promotes the best of a rung once all of its trials have ended: the result is the same with any worker speeds.

    Args:
        points: The first rung.
        config: Epochs and reduction factor.
    """

    def __init__(self, points: Sequence[ViTConfig], config: SearchConfig) -> None:
        self.rungs = plan_rungs(len(points), config)
        self.number = 0  # of the rung that is trained
        super().__init__([propose(point, epochs=self.rungs[0].epochs) for point in points])

    def plan_on(self) -> bool:
        """Plans the next rung once all trials of this one have ended."""
        if self.number + 1 == len(self.rungs) or self.ongoing_trials:
            return False
        best = self._rank()[: self.rungs[self.number + 1].points]
        self.waiting += [self._promote(trial) for trial in best]
        self.number += 1
        return bool(self.waiting)

    def _rank(self) -> list[keras_tuner.engine.trial.Trial]:
        """Returns the completed trials of the rung, best first; of equal ones the earlier proposal first."""
        completed = [
            trial
            for trial in self.trials.values()
            if trial.hyperparameters.values[proposals.ROUND] == self.number and trial.status == "COMPLETED"
        ]
        return sorted(completed, key=lambda trial: -trial.score)

    def _promote(self, trial: keras_tuner.engine.trial.Trial) -> Values:
        """Proposes to train the point of a trial up to the end of the next rung."""
        before, rung = self.rungs[self.number : self.number + 2]
        promoted = {
            proposals.EPOCHS: rung.epochs,
            proposals.INITIAL_EPOCH: before.epochs,
            proposals.ROUND: self.number + 1,
        }
        return {**trial.hyperparameters.values, **promoted, proposals.TRIAL_ID: trial.trial_id}
