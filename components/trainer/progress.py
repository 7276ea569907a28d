"""Reports the progress of the training through the standard logging module, as records of LOGGER."""

import logging
import time

LOGGER = logging.getLogger("tokenlearner.progress")

_SECONDS_BETWEEN_REPORTS = 0.5


class EpochReporter:
    """Reports epochs as log records with the attribute `progress`.

    Args:
        phase: What is trained, such as "trial 2 of 6".
        epochs: Epochs of this training.
        epochs_before: Epochs of the whole step that ended before this training.
        epochs_in_step: Epochs of the whole step.
    """

    def __init__(self, phase: str, epochs: int, epochs_before: int, epochs_in_step: int) -> None:
        self.phase = phase
        self.epochs = epochs
        self.epochs_before = epochs_before
        self.epochs_in_step = epochs_in_step
        self._valid_accuracy: float | None = None
        self._reported = 0.0

    def report_step(self, epoch: int, share_of_epoch: float) -> None:
        """Reports a step of an epoch, counted from 0, at most twice a second."""
        if time.monotonic() - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._report(epoch, share_of_epoch, has_ended=False)

    def report_epoch(self, epoch: int, valid_accuracy: float) -> None:
        """Reports the end of an epoch, counted from 0."""
        self._valid_accuracy = valid_accuracy
        self._report(epoch, 1.0, has_ended=True)

    def _report(self, epoch: int, share_of_epoch: float, *, has_ended: bool) -> None:
        self._reported = time.monotonic()
        progress = {
            "phase": self.phase,
            "epoch": epoch + 1,
            "epochs": self.epochs,
            "epoch_has_ended": has_ended,
            "valid_accuracy": self._valid_accuracy,
            "share": (self.epochs_before + epoch + share_of_epoch) / self.epochs_in_step,
        }
        LOGGER.info("%(phase)s, epoch %(epoch)d of %(epochs)d", progress, extra={"progress": progress})
