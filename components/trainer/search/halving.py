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


class _RungOracle(PlanOracle):
    """Knows the rungs and the results of their trials.

    Args:
        points: The first rung.
        config: Epochs and reduction factor.
    """

    def __init__(self, points: Sequence[ViTConfig], config: SearchConfig) -> None:
        self.rungs = plan_rungs(len(points), config)
        super().__init__([propose(point, epochs=self.rungs[0].epochs) for point in points])

    def rank(self, number: int) -> list[keras_tuner.engine.trial.Trial]:
        """Returns the completed trials of a rung, best first; of equal ones the earlier proposal first."""
        completed = [
            trial for trial in self.trials.values() if _find_rung(trial) == number and trial.status == "COMPLETED"
        ]
        return sorted(completed, key=lambda trial: -trial.score)

    def propose_on(self, trial: keras_tuner.engine.trial.Trial) -> Values:
        """Proposes to train the point of a trial up to the end of the next rung."""
        number = _find_rung(trial)
        before, rung = self.rungs[number : number + 2]
        promoted = {proposals.EPOCHS: rung.epochs, proposals.INITIAL_EPOCH: before.epochs, proposals.ROUND: number + 1}
        return {**trial.hyperparameters.values, **promoted, proposals.TRIAL_ID: trial.trial_id}


class HalvingOracle(_RungOracle):
    """Promotes the best of a rung once all of its trials have ended: the result is the same with any worker speeds."""

    number = 0  # of the rung that is trained

    def plan_on(self) -> bool:
        """Plans the next rung once all trials of this one have ended."""
        if self.number + 1 == len(self.rungs) or self.ongoing_trials:
            return False
        best = self.rank(self.number)[: self.rungs[self.number + 1].points]
        self.number += 1
        self.waiting += [self.propose_on(trial) for trial in best]
        return bool(self.waiting)


class AsyncHalvingOracle(_RungOracle):
    """Promotes a point as soon as it is among the best ended trials of its rung, so that no worker waits.

    Some of these points would lose their place to slower trials, so it trains more epochs than halving. In the end each
    rung has promoted at least as many points.

    Reference:
        Li et al., "A system for massively parallel hyperparameter tuning", arXiv 1810.05934, algorithm 2 (ASHA).
    """

    def __init__(self, points: Sequence[ViTConfig], config: SearchConfig) -> None:
        super().__init__(points, config)
        self._factor = config.reduction_factor
        self._promoted = set[str]()

    def populate_space(self, trial_id: str) -> Values:
        """Returns the next proposal: a promotion, from the highest rung that has one, before a new point."""
        for number in reversed(range(len(self.rungs) - 1)):
            ranked = self.rank(number)
            if self._promote_one_of(ranked[: len(ranked) // self._factor]):
                break
        return super().populate_space(trial_id)

    def plan_on(self) -> bool:
        """Fills up, from the lowest rung on, the promotions that a rung without running trials still lacks."""
        busy = {_find_rung(trial) for trial in self.ongoing_trials.values()}
        return any(
            self._promote_one_of(self.rank(number)[: self.rungs[number + 1].points])
            for number in range(min(busy, default=len(self.rungs) - 1))
        )

    def _promote_one_of(self, trials: Sequence[keras_tuner.engine.trial.Trial]) -> bool:
        trial = next((trial for trial in trials if trial.trial_id not in self._promoted), None)
        if trial is not None:
            self._promoted.add(trial.trial_id)
            self.waiting.insert(0, self.propose_on(trial))
        return trial is not None


def _find_rung(trial: keras_tuner.engine.trial.Trial) -> int:
    number: int = trial.hyperparameters.values[proposals.ROUND]
    return number
