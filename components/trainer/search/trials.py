"""Records of trials: of one that a training completed, and of one that was dropped."""

import dataclasses

from components.artifacts.trial import Trial
from components.trainer.training.checkpoint import Checkpoint
from models.macs import count_macs
from models.search_space import describe_point, name_point
from models.vit_config import ViTConfig


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
