"""A worker of a search: trains what the chief's oracle proposes, until there is nothing more.

`python -m components.trainer.worker FOLDER`, with the folder of the search below the pipeline root and KerasTuner's
variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT. Prints its progress as lines of JSON.
"""

import json
import logging
import os
import pathlib
import sys
import tempfile
import threading
import time
from typing import Any, TextIO

import grpc
import keras_tuner
import tensorflow_transform as tft

from components.trainer.assignment import Assignment
from components.trainer.fit import Fitter
from components.trainer.plans import PlanOracle
from components.trainer.progress import LOGGER
from components.trainer.read import read_examples
from components.trainer.state import locate_state
from components.trainer.tuner import PointTuner

ENDS_WITH_INPUT = "--ends-with-input"  # for a worker whose chief is its parent: dead, it would train for nobody

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
        ValueError: If this process does not see the data that the chief sees.
    """
    _wait_for_chief()
    assignment = Assignment.load(folder)
    config, transform = assignment.config, tft.TFTransformOutput(assignment.transform_output)
    with (
        read_examples(assignment.train_files, transform) as train,
        read_examples(assignment.valid_files, transform) as valid,
        tempfile.TemporaryDirectory() as own,  # KerasTuner wants to save a tuner somewhere
    ):
        state = locate_state(config, train, valid)
        if str(state) != assignment.state:
            raise ValueError(
                f"this worker's data, TensorFlow or Keras are not the chief's: the trainings would go to {state}, "
                f"not to {assignment.state}"
            )
        fitter = Fitter(config.fit, train, valid, state)
        tuner = WorkerTuner(config=config, fitter=fitter, oracle=PlanOracle([]), directory=own, project_name="worker")
        tuner.search(verbose=0)


def _wait_for_chief() -> None:
    address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=_CHIEF_SECONDS)


class _JsonLines(logging.Handler):
    """Writes progress to a stream."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        progress: dict[str, Any] = vars(record)["progress"]
        print(json.dumps(progress), file=self._stream, flush=True)


def _tell_progress() -> None:
    """Keeps the standard output for progress; what libraries print goes where errors go."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    LOGGER.addHandler(_JsonLines(own))
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes; past Python's buffer, which a thread may not hold at the end
    os._exit(1)


if __name__ == "__main__":
    if ENDS_WITH_INPUT in sys.argv:
        threading.Thread(target=_end_with_input, daemon=True).start()
    _tell_progress()
    work(pathlib.Path(sys.argv[1]))
