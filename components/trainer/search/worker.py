"""A worker of a search: trains what the chief's oracle proposes, until there is nothing more.

`python -m components.trainer.search.worker FOLDER`, with the folder of the search below the pipeline root and the
variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT. Prints its progress as lines of JSON.
"""

import os
import pathlib
import tempfile
import time

import grpc
import keras_tuner

from components.trainer import child
from components.trainer.assignment import Assignment
from components.trainer.fit.sharing import open_fitter
from components.trainer.search.plans import PlanOracle
from components.trainer.search.tuner import PointTuner

ID, IP, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"

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


def work(folder: pathlib.Path, _: child.JsonLines) -> None:
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


if __name__ == "__main__":
    child.run(work)
