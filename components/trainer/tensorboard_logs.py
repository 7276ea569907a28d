"""Logs for TensorBoard."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from components.artifacts.epoch import Epoch
from components.trainer.listener import Listener, Training

_MOST_OPEN = 200  # files; a training whose file is closed continues in another one of its folder


class TensorBoardLogs(Listener):
    """Writes each training as a run, epoch by epoch, with its hyperparameters for the HParams plugin.

    Args:
        folder: `tensorboard --logdir`.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        """Writes losses and accuracies, named as by Keras's own callback."""
        is_new = training.name not in self._writers
        if is_new:
            if len(self._writers) == _MOST_OPEN:
                self._writers.pop(next(iter(self._writers))).close()
            self._writers[training.name] = tf.summary.create_file_writer(str(self._folder / training.name))
        writer = self._writers[training.name]
        with writer.as_default():
            if is_new:
                hparams.hparams(training.settings, trial_id=training.name)
            for epoch in epochs:
                tf.summary.scalar("epoch_loss", epoch.train_loss, step=epoch.epoch)
                tf.summary.scalar("epoch_accuracy", epoch.train_accuracy, step=epoch.epoch)
                tf.summary.scalar("epoch_val_loss", epoch.valid_loss, step=epoch.epoch)
                tf.summary.scalar("epoch_val_accuracy", epoch.valid_accuracy, step=epoch.epoch)
        writer.flush()
