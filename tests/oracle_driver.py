"""Drives oracles of KerasTuner through a space of sixty-one points, without any training."""

import pathlib
import random
from collections.abc import Callable
from typing import Any

import keras_tuner

from models.hypermodel import TokenLearnerHyperModel
from models.reducers.registry import CONTROLS
from models.search_space import SearchSpace, name_point
from models.vit_config import ViTConfig

Values = dict[str, Any]

_SPACE = SearchSpace(
    backbone=ViTConfig(image_size=8, patch_size=2, dim=4, depth=3, num_heads=2, mlp_dims=(4,), num_classes=2),
    placements=(0, 1, 2),
    token_counts=(1, 2),
    reducers=("token_learner", "token_learner_v11"),
    controls=CONTROLS,
    fusers=(False, True),
)
_HYPERMODEL = TokenLearnerHyperModel(_SPACE)
POINTS = _SPACE.points()


def drive(
    oracle: keras_tuner.Oracle, folder: pathlib.Path, score: Callable[[Values], float | None], most: int = 1000
) -> list[Values]:
    """Lets an oracle propose until it stops, and passes it the result of each proposal.

    Args:
        oracle: Gets the hyperparameters of the space.
        folder: Of KerasTuner's files.
        score: From a proposal to its accuracy; None: it failed.
        most: Proposals, after which the oracle need not have stopped.

    Returns:
        The proposals.
    """
    oracle._set_project_dir(str(folder), "search")
    oracle.verbose = 0
    space = oracle.get_space()
    _HYPERMODEL.vit_config(space)
    oracle.update_space(space)
    proposals = []
    while (trial := oracle.create_trial("worker")).status == "RUNNING":
        proposals.append(dict(trial.hyperparameters.values))
        accuracy = score(proposals[-1])
        if accuracy is not None:
            oracle.update_trial(trial.trial_id, {"val_accuracy": accuracy})
        trial.status = "FAILED" if accuracy is None else "COMPLETED"
        oracle.end_trial(trial)
        if len(proposals) == most:
            return proposals
    assert trial.status == "STOPPED"
    return proposals


def name_proposal(values: Values) -> str:
    """Returns the name of the point that is proposed."""
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = dict(values)
    return name_point(_HYPERMODEL.vit_config(hyperparameters))


def score_at_random(values: Values) -> float:
    """Draws an accuracy, the same whenever this point is trained for as many epochs."""
    return random.Random(f"{name_proposal(values)} {values.get('tuner/epochs')}").random()
