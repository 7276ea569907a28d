"""The trials of a search: `trials.jsonl` in the Trainer's model run folder, one line per trial and rung."""

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any, Literal

import pydantic

from components.artifacts.epoch import Epoch

TRIALS_FILE = "trials.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One point with one seed, trained from one rung to the next, or the reason why it was not."""

    stage: Literal["backbone", "search", "finalists"]  # backbone: the training whose weights all points start from
    trial_id: str | None  # of KerasTuner, within its stage; None: dropped, or the backbone
    round: int  # rung of halving, from 0
    point: str  # such as "token_learner-8@2"; "backbone" in the stage of that name
    config: dict[str, Any]  # the fields in which points of the space differ
    seed: int
    initial_epoch: int  # trained before
    epochs: int  # trained when it ended
    macs: int  # true multiply-accumulates an image
    status: Literal["completed", "failed", "dropped", "skipped"]  # skipped: the time of the search was over
    reason: str | None = None  # of a failure, or why it was dropped or skipped
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


_TRIAL = pydantic.TypeAdapter(Trial)


def append_trial(trial: Trial, folder: pathlib.Path) -> None:
    """Adds a line to `trials.jsonl`."""
    with (folder / TRIALS_FILE).open("ab") as file:
        file.write(_TRIAL.dump_json(trial) + b"\n")


def read_trials(folder: pathlib.Path) -> tuple[Trial, ...]:
    """Reads `trials.jsonl`.

    Args:
        folder: The Trainer's model run folder.

    Returns:
        The trials in the order in which they ended.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: This version's `append_trial` did not write it.
    """
    return tuple(_TRIAL.validate_json(line) for line in (folder / TRIALS_FILE).read_bytes().splitlines())


def tabulate_trials(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Returns a row for each trial and rung; the columns are the fields of `Trial`, those of `config` by themselves."""
    names = [field.name for field in dataclasses.fields(Trial) if field.name not in ("config", "history")]
    return [{**{name: getattr(trial, name) for name in names}, **trial.config} for trial in trials]
