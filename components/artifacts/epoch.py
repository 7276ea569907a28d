"""One epoch of a training."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the train split, and the accuracy on the valid split afterwards."""

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float  # on augmented images, 0..1
    valid_loss: float  # cross-entropy without smoothing
    valid_accuracy: float  # 0..1
    seconds: float  # of training and validation, without set-up
