"""Trials: what the search has tried and found, a line of JSON each."""

import dataclasses
import json
import pathlib
from typing import Any, Literal

from components.artifacts.epoch import Epoch
from components.trainer.training.checkpoint import Checkpoint
from models.macs import count_macs
from models.search_space import describe_point, name_point
from models.vit_config import ViTConfig

Status = Literal["completed", "failed", "dropped"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One point with one seed, trained from one rung to the next; or why it was not."""

    stage: Literal["search", "finalists"]
    trial_id: str | None  # of KerasTuner, within its stage; None: dropped
    round: int  # rung of halving, from 0
    point: str  # such as "token_learner-8@2"
    config: dict[str, Any]  # the fields that tell the points of the space apart
    seed: int
    initial_epoch: int  # trained before
    epochs: int  # trained when it ended
    macs: int  # true multiply-accumulates an image
    status: Status
    reason: str | None = None  # of a failure, or why it was dropped
    parameters: int | None = None  # None, as all below: not completed
    train_accuracy: float | None = None  # of the last epoch, on augmented images, 0..1
    train_loss: float | None = None
    valid_accuracy: float | None = None  # 0..1
    valid_loss: float | None = None
    seconds: float | None = None  # of the epochs of this rung
    history: tuple[Epoch, ...] = ()  # the epochs of this rung; the last one if they had all been trained before

    @property
    def epochs_spent(self) -> int:
        """Epochs of this rung."""
        return self.epochs - self.initial_epoch


def complete(trial: Trial, training: Checkpoint) -> Trial:
    """Returns the trial with what its training, which reached `trial.epochs` or more, found."""
    history = training.epochs[trial.initial_epoch : trial.epochs]
    last = training.epochs[trial.epochs - 1]
    return dataclasses.replace(
        trial,
        parameters=training.parameters,
        train_accuracy=last.train_accuracy,
        train_loss=last.train_loss,
        valid_accuracy=last.valid_accuracy,
        valid_loss=last.valid_loss,
        seconds=round(sum(epoch.seconds for epoch in history), 3),
        history=history or (last,),
    )


def drop(network: ViTConfig, max_mmacs: float) -> Trial:
    """Records a point that is too expensive to be trained."""
    macs = count_macs(network).total
    return Trial(
        stage="search",
        trial_id=None,
        round=0,
        point=name_point(network),
        config=describe_point(network),
        seed=0,
        initial_epoch=0,
        epochs=0,
        macs=macs,
        status="dropped",
        reason=f"needs {macs / 1e6:.2f} million multiply-accumulates; search.max_mmacs is {max_mmacs}",
    )


def append(trial: Trial, path: pathlib.Path) -> None:
    """Adds the trial's line to a file."""
    with path.open("a") as file:
        file.write(json.dumps(dataclasses.asdict(trial)) + "\n")
