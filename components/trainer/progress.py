"""Reports the progress of the training through the standard logging module, as records of LOGGER."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from components.artifacts.epoch import Epoch
from components.trainer.listener import Listener, Training

LOGGER = logging.getLogger("tokenlearner.progress")

_SECONDS_BETWEEN_REPORTS = 0.5


def report_notice(text: str) -> None:
    """Reports something that the display of a run shows as a line."""
    LOGGER.info(text, extra={"notice": text})


class Progress:
    """How much of the Trainer's work is done, and how long the rest takes.

    Work is counted in multiply-accumulates of one image times epochs, because epochs of different networks take
    different times; a network that is trained for the first time takes some seconds more. Both are measured on the
    epochs that this process has seen; epochs that an earlier process trained take no time.

    Args:
        listeners: Follow all trainings.
    """

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self.listeners = listeners
        self.planned_work = 0.0  # of the whole step
        self.planned_networks = 0
        self.done_work = 0.0  # of the trainings that ended
        self._networks = set[str]()
        self._began = time.monotonic()
        self._trained_work = 0.0  # in sight of this process
        self._trained_seconds = 0.0
        self._logged = Counter[str]()  # epochs of each training

    def add_epochs(self, network: str, work: float, seconds: float) -> None:
        """Adds epochs that were trained now, by this process or by a worker."""
        self._networks.add(network)
        self._trained_work += work
        self._trained_seconds += seconds

    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        """Passes the epochs of a training that are new to the listeners."""
        new = [epoch for epoch in epochs if epoch.epoch > self._logged[training.name]]
        if new:
            self._logged[training.name] = new[-1].epoch
            for listener in self.listeners:
                listener.log_epochs(training, new)

    def end_training(self, training: Training, epochs: Sequence[Epoch], result: Mapping[str, Any]) -> None:
        """Passes the result of a training to the listeners, and epochs that an earlier process trained."""
        self.log_epochs(training, epochs)
        for listener in self.listeners:
            listener.end_training(training, result)

    def estimate_share(self, work: float) -> float:
        """Returns the share of the step that is done, 0..1, if so much work of the current training is done."""
        done = self.done_work + work
        return done / max(self.planned_work, done, 1.0)

    def estimate_seconds(self, work: float) -> float | None:
        """Returns the seconds that the rest of the step takes; None before the first epoch."""
        if not self._trained_work:
            return None
        elapsed, networks = time.monotonic() - self._began, len(self._networks)
        training = min(self._trained_seconds, elapsed)  # less than the sum where workers train in parallel
        left = max(0.0, self.planned_work - self.done_work - work) * training / self._trained_work
        return left + max(0, self.planned_networks - networks) * (elapsed - training) / networks


class EpochReporter:
    """Reports epochs as log records with the attribute `progress`.

    Args:
        progress: Of the whole step.
        phase: What is trained, such as "rung 2/3 · candidate 7/21".
        training: For listeners, with its network and cost.
        epochs: Epochs of this training.
        epochs_before: Epochs of this training that have been done before.
        best: Valid accuracy and name of the best candidate so far; None: the search has no result yet, or is over.
    """

    def __init__(
        self,
        progress: Progress,
        phase: str,
        training: Training,
        epochs: int,
        epochs_before: int = 0,
        best: tuple[float, str] | None = None,
    ) -> None:
        self.progress = progress
        self.phase = phase
        self.training = training
        self.epochs = epochs
        self.epochs_before = epochs_before
        self.best = best
        self._valid_accuracy: float | None = None
        self._reported = 0.0

    def report_step(self, epoch: int, share_of_epoch: float) -> None:
        """Reports a step of an epoch, counted from 0, at most twice a second."""
        if time.monotonic() - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._report(epoch, share_of_epoch, has_ended=False)

    def report_epochs(self, epochs: Sequence[Epoch], trained: int = 1) -> None:
        """Reports the end of an epoch, or of all epochs that a worker has trained.

        Args:
            epochs: Of the training, up to that epoch.
            trained: How many of them were trained now.
        """
        last, history = epochs[-1], epochs[-trained:]
        self.progress.log_epochs(self.training, epochs)
        self._valid_accuracy = last.valid_accuracy
        work, seconds = self.training.macs * len(history), sum(epoch.seconds for epoch in history)
        self.progress.add_epochs(self.training.network, work, seconds)
        self._report(last.epoch - 1, 1.0, has_ended=True)

    def _report(self, epoch: int, share_of_epoch: float, *, has_ended: bool) -> None:
        self._reported = time.monotonic()
        work = self.training.macs * (epoch + share_of_epoch - self.epochs_before)
        progress = {
            "phase": self.phase,
            "epoch": epoch + 1,
            "epochs": self.epochs,
            "epoch_has_ended": has_ended,
            "valid_accuracy": self._valid_accuracy,
            "best": self.best,
            "share": self.progress.estimate_share(work),
            "seconds_left": self.progress.estimate_seconds(work),
        }
        LOGGER.info("%(phase)s · epoch %(epoch)d/%(epochs)d", progress, extra={"progress": progress})
