"""Reports the progress of the training through the standard logging module, as records of LOGGER."""

import logging
import time

import keras

LOGGER = logging.getLogger("tokenlearner.progress")

_SECONDS_BETWEEN_REPORTS = 0.5


class EpochReporter(keras.callbacks.Callback):
    """Reports epochs as log records with the attribute `progress`.

    Args:
        phase: What is trained, such as "trial 2 of 6".
        epochs: Epochs of this training.
        epochs_before: Epochs of the whole step that ended before this training.
        epochs_in_step: Epochs of the whole step.
    """

    def __init__(self, phase: str, epochs: int, epochs_before: int, epochs_in_step: int) -> None:
        super().__init__()
        self.phase = phase
        self.epochs = epochs
        self.epochs_before = epochs_before
        self.epochs_in_step = epochs_in_step
        self._epoch = 0
        self._valid_accuracy: float | None = None
        self._reported = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Remembers the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Reports at most twice a second."""
        if time.monotonic() - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._report((batch + 1) / self.params["steps"], has_ended=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float | None] | None = None) -> None:
        """Reports the epoch with its validation accuracy."""
        self._epoch = epoch
        self._valid_accuracy = (logs or {}).get("val_accuracy")
        self._report(1.0, has_ended=True)

    def _report(self, share_of_epoch: float, *, has_ended: bool) -> None:
        self._reported = time.monotonic()
        progress = {
            "phase": self.phase,
            "epoch": self._epoch + 1,
            "epochs": self.epochs,
            "epoch_has_ended": has_ended,
            "valid_accuracy": self._valid_accuracy,
            "share": (self.epochs_before + self._epoch + share_of_epoch) / self.epochs_in_step,
        }
        LOGGER.info("%(phase)s, epoch %(epoch)d of %(epochs)d", progress, extra={"progress": progress})
