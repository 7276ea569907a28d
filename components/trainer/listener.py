"""Listeners follow trainings while they run, such as TensorBoard's logs."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from components.artifacts.epoch import Epoch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """One network with one seed, whose epochs make one curve."""

    name: str  # unique within a search, such as "token_learner-8@2,seed=1"
    network: str
    macs: int  # multiply-accumulates of an image
    config: Mapping[str, Any]  # the fields in which points of the space differ
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        """Its hyperparameters."""
        return {**self.config, "seed": self.seed, "mmacs": round(self.macs / 1e6, 2)}


class Listener:
    """Does nothing; subclasses override what they need. No method waits for a network."""

    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        """Receives the epochs of a training, each once and in order."""

    def end_training(self, training: Training, result: Mapping[str, Any]) -> None:
        """Receives the result of a training up to some epoch, which a later rung may continue.

        Args:
            training: Of `log_epochs`.
            result: As JSON, with the `status` "completed", "failed" or "skipped", and the `epochs` up to which it is.
        """

    def end_search(self, winner: str, metrics: Mapping[str, float], folder: pathlib.Path) -> None:
        """Receives the chosen point after its final fit, its metrics, and the folder of the outcome."""
