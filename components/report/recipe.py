"""The recipe of the final fit: the configuration of the Trainer and its hyperparameters in words."""

import dataclasses
import json
from typing import Any

import pydantic

from components.artifacts.winner import Winner
from components.report.provenance import Provenance
from components.trainer.config import TrainerConfig
from components.trainer.training.learning_rate import Cycle, make_cycle

_OPTIMIZERS = {"adamw": "AdamW", "muon": "Muon for the kernels, AdamW for all other weights"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The configuration of the Trainer, and the resulting optimizer of the final fit."""

    config: TrainerConfig
    steps_per_epoch: int  # updates; the last, smaller batch of each pass is dropped
    optimizer: dict[str, Any]  # its Keras config without the learning rate
    schedule: Cycle

    def describe(self, winner: Winner) -> dict[str, str]:
        """Returns the hyperparameters of the final fit by name."""
        fit, schedule, seeds = self.config.fit, self.schedule, self.config.search.seeds
        ema = {"exported weights": f"exponential moving average, momentum {fit.ema_momentum} per step"}
        devices = {"devices that share each batch": fit.strategy}
        return {
            "optimizer": _OPTIMIZERS[fit.optimizer] + ", with weight decay on kernels only",
            "learning rate": f"linear from 0 to {schedule.peak} in {schedule.warmup_steps:,} steps, "
            f"then along a cosine to 0 in {schedule.decay_steps:,}",
            "weight decay": f"{fit.weight_decay}, multiplied by the learning rate at each step, as in Keras",
            "β₁, β₂, ε": ", ".join(str(self.optimizer[name]) for name in ("beta_1", "beta_2", "epsilon")),
            "gradient clipping": f"global norm at most {fit.gradient_clip_norm}",
            "loss": f"cross-entropy, label smoothing {fit.label_smoothing}"
            + (", classes weighted equally" if fit.class_weights == "balanced" else ""),
            **(ema if fit.ema_momentum else {}),
            "batch size": f"{fit.batch_size}",
            "epochs": f"{fit.epochs} of {self.steps_per_epoch:,} steps; the weights are from epoch "
            f"{winner.best_epoch}, the best on the valid split",
            **(devices if fit.strategy != "default" else {}),
            "augmentation": "random crops of the image with "
            f"{fit.find_crop_padding(winner.network.image_size)} pixels of reflection padding"
            f"{', flipped with probability 0.5' if fit.flip else ''}",
            "seed": f"{fit.seed}; finalists of the search: {seeds} training{'s' if seeds != 1 else ''} each, "
            "with consecutive seeds",
        }


def read_recipe(provenance: Provenance | None, train_images: int) -> Recipe | None:
    """Reads the parameters of the step Trainer.

    Returns:
        None if ML Metadata is missing, the step did not begin, or a version with other parameters recorded them.
    """
    steps = provenance.steps if provenance else ()
    recorded = next((step.parameters.get("custom_config") for step in steps if step.name == "Trainer"), None)
    if not recorded:
        return None
    try:
        config = pydantic.TypeAdapter(TrainerConfig).validate_python(json.loads(recorded)["trainer"])
    except pydantic.ValidationError:
        return None
    from components.trainer.training.optimizer import make_adam  # imports TensorFlow

    steps_per_epoch = config.fit.count_steps(train_images)
    return Recipe(
        config=config,
        steps_per_epoch=steps_per_epoch,
        optimizer=make_adam(config.fit).get_config(),
        schedule=make_cycle(config.fit, steps_per_epoch * config.fit.epochs),
    )
