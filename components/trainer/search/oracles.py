"""Oracles: KerasTuner's own, restricted to the affordable points, and the choice by the config."""

import math
import random
from collections.abc import Sequence
from typing import Any

import keras_tuner

from components.trainer.config import SearchConfig
from components.trainer.search.halving import HalvingOracle
from components.trainer.search.proposals import ANY_NUMBER, OBJECTIVE, PlanOracle, Values, propose
from models.search_space import describe_point
from models.vit_config import ViTConfig

_FEWEST_DRAWN = 3  # random points before Bayesian optimization has a model of the space


class _WithinPoints:
    """Restricts an oracle of KerasTuner to the given points, each once.

    For KerasTuner, a space is a product of axes; a compute ceiling cuts corners off it.
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
    """KerasTuner's Bayesian optimization; any other proposal is replaced by its nearest untried point."""

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


def make_oracle(points: Sequence[ViTConfig], config: SearchConfig, seed: int) -> keras_tuner.Oracle:
    """Makes the oracle that the config names.

    Args:
        points: The points that it may propose.
        config: Which tuner, its trials and epochs.
        seed: Of its random draws.
    """
    if config.tuner == "halving":
        return HalvingOracle(points, config)
    if config.tuner == "grid":  # KerasTuner's own tries the product of all axes
        return PlanOracle([propose(point, epochs=config.max_epochs) for point in points])
    # KerasTuner replaces the seed 0 by a random one.
    shared = {"objective": OBJECTIVE, "seed": seed + 1, "max_consecutive_failed_trials": ANY_NUMBER}
    oracle: Any
    if config.tuner == "random":
        oracle = RandomOracle(max_trials=config.max_trials, **shared)
    else:
        # KerasTuner's own number is three per hyperparameter, which are all of 12 trials.
        drawn = max(_FEWEST_DRAWN, config.max_trials // 3)
        oracle = BayesianOracle(max_trials=config.max_trials, num_initial_points=drawn, **shared)
    oracle.points = tuple(describe_point(point) for point in points)
    return oracle


def _without_tuner(values: Values) -> Values:
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}
