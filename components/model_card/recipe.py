"""The recipe: how the winner was trained, from what ML Metadata recorded of the Trainer."""

import dataclasses
import json
from typing import Any

import pydantic

from components.report.provenance import Provenance
from components.trainer.config import TrainerConfig
from components.trainer.training.optimizer import WarmupCosine, make_optimizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the Trainer was told, and what follows for the final fit."""

    config: TrainerConfig
    steps_per_epoch: int  # updates; the last, smaller batch is dropped
    optimizer: dict[str, Any]  # what Keras says of it, its learning rate left out
    schedule: WarmupCosine

    @property
    def steps(self) -> int:
        """Updates of the final fit."""
        return self.steps_per_epoch * self.config.fit.epochs


def read_recipe(provenance: Provenance, train_images: int) -> Recipe | None:
    """Reads what the Trainer of a run was told.

    Args:
        provenance: Of the run.
        train_images: Of the train split.

    Returns:
        The recipe; None if the run has no Trainer.
    """
    given = next((step.parameters for step in provenance.steps if step.name == "Trainer"), None)
    if given is None:
        return None
    recorded = json.loads(str(given["custom_config"]))["trainer"]
    config = pydantic.TypeAdapter(TrainerConfig).validate_python(recorded)
    steps_per_epoch = train_images // config.fit.batch_size
    optimizer = make_optimizer(config.fit, steps_per_epoch * config.fit.epochs).get_config()
    schedule = WarmupCosine.from_config(optimizer.pop("learning_rate")["config"])
    return Recipe(config=config, steps_per_epoch=steps_per_epoch, optimizer=optimizer, schedule=schedule)
