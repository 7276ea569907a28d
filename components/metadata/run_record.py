"""One run as ML Metadata records it: its steps and their outputs. Every view of a run reads this."""

import dataclasses
import pathlib
import time
from collections.abc import Callable
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np

from components.artifacts.duplicates import DUPLICATES_PREFIX, Duplicates, read_duplicates
from components.artifacts.lite_comparison import COMPARISON_FILE, LiteComparison, read_comparison
from components.artifacts.predictions import PREDICTIONS_PREFIX, read_right
from components.artifacts.search_outcome import SEARCH_FILE, SearchOutcome, read_search
from components.artifacts.serving_findings import SERVING_FILE, ServingFindings, read_findings
from components.artifacts.trial import TRIALS_FILE, Trial, read_trials
from components.artifacts.verdict import VERDICT_FILE, Verdict, read_verdict
from components.artifacts.winner import WINNER_FILE, Winner, read_winner
from components.errors import DataFailure, UsageFailure
from components.metadata.override import Override, find_overrides
from components.metadata.pushes import NOT_PUSHED_BECAUSE
from components.metadata.records import Artifact, Execution
from components.metadata.rollback import RollbackRecord, find_rollbacks
from components.metadata.root import Root, shorten

Found = TypeVar("Found")
StepState = Literal["done", "cached", "failed", "running", "interrupted"]
RunState = Literal["pushed", "not pushed", "failed", "interrupted", "in progress"]

_STATES: dict[int, StepState] = {Execution.COMPLETE: "done", Execution.CACHED: "cached", Execution.FAILED: "failed"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """One step of a run."""

    name: str
    state: StepState
    seconds: float | None  # None: interrupted


class RunRecord:
    """The steps of a run and their outputs; files are read on first access.

    Args:
        root: The pipeline root with the run.
        run_id: Of ML Metadata.
    """

    def __init__(self, root: Root, run_id: str) -> None:
        self.run_id = run_id
        self.began = root.records.began(run_id)
        self._records = root.records
        self._executions = root.records.steps(run_id)
        self._is_at_work = root.run_in_progress == run_id

    @cached_property
    def steps(self) -> tuple[StepOutcome, ...]:
        """The steps that have begun, in this order."""
        return tuple(self._describe_step(name, execution) for name, execution in self._executions.items())

    @property
    def state(self) -> RunState:
        """Whether the run is in progress, and if not, how it ended."""
        if self._is_at_work:
            return "in progress"
        if any(step.state == "failed" for step in self.steps):
            return "failed"
        if self.find_output("pushed_model") is None or any(step.state == "interrupted" for step in self.steps):
            return "interrupted"
        return "pushed" if self.pushed_version else "not pushed"

    @property
    def last_step(self) -> str | None:
        """The step in which the run is or stopped; None before the first one."""
        return self.steps[-1].name if self.steps else None

    @property
    def pushed_version(self) -> str | None:
        """The version that the Pusher wrote, now or in the run that it was cached from."""
        pushed = self.find_output("pushed_model")
        return pushed.custom_properties["pushed_version"].string_value or None if pushed else None

    @property
    def not_pushed_because(self) -> str | None:
        """Why the Pusher pushed nothing, a clause; None: it did, or did not run."""
        pushed = self.find_output("pushed_model")
        return pushed.custom_properties[NOT_PUSHED_BECAUSE].string_value or None if pushed else None

    @property
    def rollbacks(self) -> list[RollbackRecord]:
        """The rollbacks to and from the version that the Pusher wrote, oldest first."""
        return find_rollbacks(self._records, self.pushed_version) if self.pushed_version else []

    @property
    def overrides(self) -> list[Override]:
        """The manual blessings of this run's model, oldest first."""
        model = self.find_output("model")
        return find_overrides(self._records, model) if model else []

    @cached_property
    def winner(self) -> Winner | None:
        """The network that the search chose; like all outputs, None if the run has not reached the step."""
        return read_folder(read_winner, self.find_file("model_run", WINNER_FILE))

    @cached_property
    def search(self) -> SearchOutcome | None:
        """The outcome of the search, and how certain it is."""
        return read_folder(read_search, self.find_file("model_run", SEARCH_FILE))

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The trials of the search."""
        return read_folder(read_trials, self.find_file("model_run", TRIALS_FILE)) or ()

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict of the Evaluator."""
        return read_folder(read_verdict, self.find_file("verdict", VERDICT_FILE))

    @cached_property
    def serving(self) -> ServingFindings | None:
        """The findings of the ServingValidator."""
        return read_folder(read_findings, self.find_file("blessing", SERVING_FILE, step="ServingValidator"))

    @cached_property
    def lite(self) -> LiteComparison | None:
        """The Evaluator's comparison of the TensorFlow Lite models."""
        return read_folder(read_comparison, self.find_file("verdict", COMPARISON_FILE))

    @cached_property
    def duplicates(self) -> Duplicates | None:
        """The images that occur more than once."""
        return read_folder(read_duplicates, self.find_file("duplicates", f"{DUPLICATES_PREFIX}*.jsonl"))

    def read_right(self) -> tuple[np.ndarray, np.ndarray]:
        """Reads the ids of the test images, str [images], and whether the model is right on each, bool [images]."""
        right = read_folder(read_right, self.find_file("verdict", f"{PREDICTIONS_PREFIX}*.parquet"))
        assert right is not None, "the caller requires a verdict"
        return right

    def require(self, what: str, found: object) -> None:
        """Raises a UsageFailure if the run has no such output.

        Args:
            what: Name of the output, such as "trials".
            found: False if it is missing.
        """
        if not found:
            step = f"it is in {self.last_step}" if self._is_at_work else f"it ended in {self.last_step}"
            raise UsageFailure(
                f"run {shorten(self.run_id)} has left no {what}: {step}; name another with --run, see `inspect runs`."
            )

    def find_output(self, key: str, *, step: str | None = None) -> Artifact | None:
        """Returns the output of a (named) step of this run under a key; it may come from the cache."""
        executions = [execution for name, execution in self._executions.items() if step in (None, name)]
        return next((found for each in executions for found in self._records.outputs(each, key)), None)

    def find_file(self, key: str, name: str, *, step: str | None = None) -> pathlib.Path | None:
        """Returns a file in an output of a step; None if the run has not reached the step."""
        artifact = self.find_output(key, step=step)
        return pathlib.Path(artifact.uri) / name if artifact else None

    def find_trainer(self) -> Execution | None:
        """Returns the execution that trained the model, maybe in an earlier run."""
        model = self.find_output("model")
        return self._records.find_maker(model) if model else None

    def _describe_step(self, name: str, execution: Execution) -> StepOutcome:
        state = _STATES.get(execution.last_known_state, "running" if self._is_at_work else "interrupted")
        seconds: float | None = measure_seconds(execution)
        if state == "running":
            seconds = time.time() - execution.create_time_since_epoch / 1000
        return StepOutcome(name=name, state=state, seconds=None if state == "interrupted" else seconds)


def read_folder(reader: Callable[[pathlib.Path], Found], file: pathlib.Path | None) -> Found | None:
    """Reads a file by the reader of its folder; None if there is no file yet.

    Raises:
        DataFailure: The file is damaged or missing.
    """
    try:
        return reader(file.parent) if file else None
    except Exception as error:  # of zipfile, zlib, numpy, pydantic: a damaged file fails in many ways
        what = "missing" if isinstance(error, FileNotFoundError) else "damaged or of another version of this project"
        raise DataFailure(f"{file} is {what}; put a copy of it back, or run again in another --root.") from None


def read_run(root_path: pathlib.Path, beginning: str | None = None) -> RunRecord:
    """Reads a run of a pipeline root.

    Args:
        root_path: The pipeline root.
        beginning: Of the run's id; None: the latest run.

    Raises:
        UsageFailure: There is no such run, or ML Metadata is locked.
        DataFailure: ML Metadata is damaged.
    """
    root = Root(root_path)
    return RunRecord(root, root.find_run(beginning))


def measure_seconds(execution: Execution) -> float:
    """Returns how long an execution that has ended took."""
    milliseconds: int = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    return milliseconds / 1000
