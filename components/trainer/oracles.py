"""Oracles: who proposes which point is trained next, for how many epochs and with which seed.

KerasTuner's own where they work, within the points that the budget allows. Each proposal carries, in KerasTuner's way,
"tuner/epochs" (to train up to), "tuner/initial_epoch" and "tuner/round"; "tuner/seed" is ours. None of them needs its
state back after an interruption: the same proposals come again, and what is trained already is not trained again.
"""

import dataclasses
import math
import random
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

_ANY_NUMBER = 10**9  # of failed trials in a row: they are recorded, and the search goes on
_FEWEST_DRAWN = 3  # random points before Bayesian optimisation has a model of the space

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
        super().__init__(objective=OBJECTIVE, max_consecutive_failed_trials=_ANY_NUMBER)
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
            self.waiting.append({**trial.hyperparameters.values, **promoted, "tuner/trial_id": trial.trial_id})
        return bool(self.waiting)


class _WithinPoints:
    """Lets an oracle of KerasTuner propose nothing but the given points, each once.

    KerasTuner knows a space as a product of axes; a compute ceiling cuts corners off it.
    """

    points: tuple[Values, ...]
    trials: dict[str, keras_tuner.engine.trial.Trial]
    seed: int

    def untried(self) -> list[Values]:
        """Returns the points that no trial has."""
        tried = [_without_tuner(trial.hyperparameters.values) for trial in self.trials.values()]
        return [point for point in self.points if point not in tried]

    def _random_values(self) -> Values | None:
        """Overrides KerasTuner's draw from the whole product."""
        untried = self.untried()
        return dict(random.Random(f"{self.seed},{len(self.trials)}").choice(untried)) if untried else None


class RandomOracle(_WithinPoints, keras_tuner.oracles.RandomSearchOracle):
    """KerasTuner's random search, within the given points."""


class BayesianOracle(_WithinPoints, keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner's Bayesian optimisation; a proposal beyond the points or tried before becomes its nearest one."""

    def populate_space(self, trial_id: str) -> Values:
        """Returns the next proposal."""
        untried = self.untried()
        if not untried:
            return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}
        proposal: Values = super().populate_space(trial_id)
        if proposal["status"] == "RUNNING" and _without_tuner(proposal["values"]) not in untried:
            wanted = self._to_vector(proposal["values"])
            proposal["values"] = min(untried, key=lambda point: math.dist(wanted, self._to_vector(point))).copy()
        return proposal

    def _to_vector(self, values: Values) -> list[float]:
        return [hp.value_to_prob(values.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


class BracketOracle(_WithinPoints, keras_tuner.oracles.HyperbandOracle):
    """KerasTuner's Hyperband, going on where its own stops on a small space: a bracket may take points of earlier ones.

    What an earlier bracket trained is not trained again.
    """

    def untried(self) -> list[Values]:
        """Returns the points that this bracket has not begun with."""
        begun = [self.trials[info["id"]] for info in self._brackets[-1]["rounds"][0] if info["id"] in self.trials]
        tried = [_without_tuner(trial.hyperparameters.values) for trial in begun]
        return [point for point in self.points if point not in tried]

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        """Overrides KerasTuner's sizes where the space has fewer points."""
        most = math.ceil(len(self.points) / self.factor**round_num)
        return min(super()._get_size(bracket_num, round_num), most)


def make_oracle(points: Sequence[ViTConfig], config: SearchConfig, seed: int) -> keras_tuner.Oracle:
    """Makes the oracle that the config names.

    Args:
        points: What it may propose.
        config: Which tuner, its trials and epochs.
        seed: Of what it draws.

    Returns:
        The oracle.
    """
    if config.tuner == "halving":
        return HalvingOracle(points, config)
    if config.tuner == "grid":  # KerasTuner's own walks the product of all axes
        return PlanOracle([propose(point, epochs=config.max_epochs) for point in points])
    # KerasTuner takes the seed 0 for none, and draws one.
    shared = {"objective": OBJECTIVE, "seed": seed + 1, "max_consecutive_failed_trials": _ANY_NUMBER}
    oracle: Any
    if config.tuner == "hyperband":
        oracle = BracketOracle(max_epochs=config.max_epochs, factor=config.reduction_factor, **shared)
    elif config.tuner == "random":
        oracle = RandomOracle(max_trials=config.max_trials, **shared)
    else:
        # KerasTuner's own number is three times that of hyperparameters, which leaves nothing to learn from 12 trials.
        drawn = max(_FEWEST_DRAWN, config.max_trials // 3)
        oracle = BayesianOracle(max_trials=config.max_trials, num_initial_points=drawn, **shared)
    oracle.points = tuple(describe_point(point) for point in points)
    return oracle


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


def _without_tuner(values: Values) -> Values:
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}
