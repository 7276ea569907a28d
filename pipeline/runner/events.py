"""Messages from the process that runs the DAG to the one that shows it."""

import dataclasses

from components.errors import ExitCode


@dataclasses.dataclass(frozen=True)
class StepsPlanned:
    """The DAG is compiled."""

    names: tuple[str, ...]  # in the order in which they run


@dataclasses.dataclass(frozen=True)
class StepBegan:
    """A step starts."""

    name: str


@dataclasses.dataclass(frozen=True)
class StepEnded:
    """A step is done."""

    name: str
    is_cached: bool


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """An epoch of the Trainer began or ended."""

    phase: str  # such as "rung 2/3 · candidate 7/21"
    epoch: int  # 1..epochs
    epochs: int  # of this phase
    epoch_has_ended: bool
    valid_accuracy: float | None  # of the last epoch that ended
    share: float  # of the whole step, 0..1
    seconds_left: float | None  # until the end of the step; None: not known yet
    best: tuple[float, str] | None = None  # valid accuracy and name of the best candidate of the search so far


@dataclasses.dataclass(frozen=True)
class Notice:
    """A line about the running step."""

    text: str


@dataclasses.dataclass(frozen=True)
class RunFailed:
    """The run stopped."""

    step: str | None  # None: before the first step
    cause: str
    exit_code: ExitCode


@dataclasses.dataclass(frozen=True)
class RunEnded:
    """All steps are done."""


Event = StepsPlanned | StepBegan | StepEnded | TrainingProgress | Notice | RunFailed | RunEnded
