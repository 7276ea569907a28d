"""A worker of a search: trains the trials that the chief's oracle proposes, until there are no more.

`python -m components.trainer.search.worker FOLDER`, with the folder of the search below the pipeline root and the
variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT.
"""

import os
import pathlib
import sys
import tempfile
import threading
import time

import grpc
from keras_tuner.src.distribute.oracle_client import OracleClient

from components.source_digest import digest_sources
from components.trainer.assignment import Assignment
from components.trainer.search.proposals import PlanOracle
from components.trainer.search.tuner import PointTuner
from components.trainer.training.fitter import Fitter

ID, IP, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
ENDS_WITH_INPUT = "--ends-with-input"  # of a worker whose parent holds its standard input open

_PAUSE_SECONDS = 0.2


class WorkerTuner(PointTuner):
    """Fetches trials from the chief."""

    def pre_create_trial(self) -> None:
        """Pauses: while the chief has no trial, KerasTuner repeats the call at once."""
        time.sleep(_PAUSE_SECONDS)


def work(folder: pathlib.Path) -> None:
    """Trains for the search whose chief left its assignment in a folder.

    Raises:
        ValueError: If this process does not see the chief's code and data, or KerasTuner's variables are missing.
        OSError: If this process does not see the folder.
        grpc.RpcError: If the chief does not reply.
    """
    needed = (ID, IP, PORT)
    missing = [name for name in needed if name not in os.environ]
    if missing:
        raise ValueError(f"the environment lacks {', '.join(missing)}; a worker needs all of {', '.join(needed)}")
    OracleClient(PlanOracle([])).get_space()  # waits up to an hour: a cluster may start workers long before the chief
    assignment = Assignment.load(folder)
    if digest_sources(Fitter.__module__) != assignment.config.state.code_digest:
        raise ValueError("this process's code is not the Trainer's: install the same version of this project for both")
    with assignment.open_fitter() as fitter, tempfile.TemporaryDirectory() as own:  # KerasTuner saves a tuner
        if str(fitter.folder) != assignment.state:
            raise ValueError(
                "this process's data, TensorFlow or Keras are not the Trainer's: the trainings would go to "
                f"{fitter.folder}, not to {assignment.state}"
            )
        tuner = WorkerTuner(
            config=assignment.config,
            fitter=fitter,
            deadline=assignment.deadline,
            oracle=PlanOracle([]),
            directory=own,
        )
        tuner.search(verbose=0)


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when the parent ends; unlike sys.stdin.read, it holds no lock at exit
    os._exit(1)


def main() -> None:
    """Trains in the folder that the command line names; an error of the user ends the process with one message."""
    if ENDS_WITH_INPUT in sys.argv:
        threading.Thread(target=_end_with_input, daemon=True).start()
    if len(sys.argv) < 2:
        sys.exit("Name the folder of the search: <pipeline root>/search.")
    try:
        work(pathlib.Path(sys.argv[1]))
    except (ValueError, OSError, grpc.RpcError) as error:
        sys.exit(f"This process ends: {error}.")


if __name__ == "__main__":
    main()
