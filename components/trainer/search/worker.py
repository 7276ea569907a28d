"""A worker of a search: trains what the chief's oracle proposes, until there is nothing more.

`python -m components.trainer.search.worker FOLDER`, with the folder of the search below the pipeline root and the
variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT. Prints its progress as lines of JSON.
"""

import contextlib
import json
import logging
import os
import pathlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import grpc
import keras_tuner
import tensorflow_transform as tft

from components.source_digest import digest_sources
from components.trainer.assignment import Assignment
from components.trainer.data.examples import read_examples
from components.trainer.progress import LOGGER
from components.trainer.search.proposals import PlanOracle
from components.trainer.search.tuner import PointTuner
from components.trainer.state import locate_state
from components.trainer.training.fitter import Fitter

ID, IP, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
ENDS_WITH_INPUT = "--ends-with-input"  # for a worker that would train for nobody if its parent were dead

_CHIEF_SECONDS = 3600  # until which it has to answer: a cluster may start workers long before it
_IDLE_SECONDS = 0.3


class WorkerTuner(PointTuner):
    """Asks the chief for trials, but not without a break while there is none."""

    _was_idle = False

    def pre_create_trial(self) -> None:
        """Waits if the last question brought no trial."""
        if self._was_idle:
            time.sleep(_IDLE_SECONDS)
        self._was_idle = True

    def on_trial_begin(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Remembers that there was one."""
        super().on_trial_begin(trial)
        self._was_idle = False


def work(folder: pathlib.Path) -> None:
    """Trains for the search whose chief left its assignment in a folder.

    Raises:
        ValueError: If this process does not see the chief's code and data, or KerasTuner's variables are missing.
        OSError: If the chief does not answer, or this process does not see its folder.
    """
    _wait_for_chief()
    assignment = Assignment.load(folder)
    with (
        open_fitter(assignment) as fitter,
        tempfile.TemporaryDirectory() as own,  # KerasTuner wants to save a tuner somewhere
    ):
        oracle = PlanOracle([])
        tuner = WorkerTuner(
            config=assignment.config, fitter=fitter, oracle=oracle, directory=own, project_name="worker"
        )
        tuner.search(verbose=0)


def _wait_for_chief() -> None:
    needed = (ID, IP, PORT)
    missing = [name for name in needed if name not in os.environ]
    if missing:
        raise ValueError(f"the environment lacks {', '.join(missing)}; a worker needs all of {', '.join(needed)}")
    address = f"{os.environ[IP]}:{os.environ[PORT]}"
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_CHIEF_SECONDS)
        except grpc.FutureTimeoutError:
            raise ConnectionError(f"no chief answers at {address}") from None


@contextlib.contextmanager
def open_fitter(assignment: Assignment) -> Iterator[Fitter]:
    """Reads the data, and yields the Fitter that trains on them.

    Args:
        assignment: Of the Trainer.

    Raises:
        ValueError: If this process does not see the Trainer's code and data.
    """
    if digest_sources(Fitter.__module__) != assignment.config.state.code_digest:
        raise ValueError("this process's code is not the Trainer's: install the same version of this project for both")
    config, transform = assignment.config, tft.TFTransformOutput(assignment.transform_output)
    with (
        read_examples(assignment.train_files, transform) as train,
        read_examples(assignment.valid_files, transform) as valid,
    ):
        state = locate_state(config, train, valid)
        if str(state) != assignment.state:
            raise ValueError(
                "this process's data, TensorFlow or Keras are not the Trainer's: the trainings would go to "
                f"{state}, not to {assignment.state}"
            )
        yield Fitter(config.fit, train, valid, state)


class _JsonLines(logging.Handler):
    """Writes the progress of log records as lines of JSON."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the progress of a record."""
        print(json.dumps(vars(record)["progress"]), file=self._stream, flush=True)


def _report_progress() -> None:
    """Keeps the standard output for progress; what libraries print goes to the standard error."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    LOGGER.addHandler(_JsonLines(own))
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes; past Python's buffer, which a thread may not hold at the end
    os._exit(1)


def main() -> None:
    """Trains in the folder that the command line names; an error of the user ends the process with one message."""
    if ENDS_WITH_INPUT in sys.argv:
        threading.Thread(target=_end_with_input, daemon=True).start()
    if len(sys.argv) < 2:
        sys.exit("Name the folder of the search: <pipeline root>/search.")
    _report_progress()
    try:
        work(pathlib.Path(sys.argv[1]))
    except (ValueError, OSError) as error:
        sys.exit(f"This process ends: {error}.")


if __name__ == "__main__":
    main()
