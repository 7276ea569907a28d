"""Workers that are processes of this machine and end with the process that started them."""

import os
import pathlib
import signal
import subprocess
import sys

import tensorflow as tf

from components.machine import share_cpus
from components.trainer.config import TrainerConfig
from components.trainer.search import worker
from components.trainer.search.plan import count_workers


def choose_workers(config: TrainerConfig) -> int:
    """Returns how many processes of this machine train points in parallel: 1 where a GPU does."""
    return 1 if tf.config.list_physical_devices("GPU") else count_workers(config)


class WorkerProcesses:
    """Some workers that share the cores; a context manager that ends them.

    Args:
        folder: Holds their assignment.
        port: Of the chief on this machine.
        count: How many.
    """

    def __init__(self, folder: pathlib.Path, port: int, count: int) -> None:
        threads = str(share_cpus(count))
        self._command = [sys.executable, "-m", worker.__name__, str(folder), worker.ENDS_WITH_INPUT]
        self._environment = os.environ | {
            worker.IP: "127.0.0.1",
            worker.PORT: str(port),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # TFX imports user code by path
            "TF_NUM_INTRAOP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for number in range(1, count + 1):
            self.start(f"worker{number}")

    def start(self, name: str) -> None:
        """Starts a worker; the chief gives it the trial of a dead one with the same name."""
        # The pipe closes when this process ends.
        self._processes[name] = subprocess.Popen(
            self._command, env=self._environment | {worker.ID: name}, stdin=subprocess.PIPE
        )

    def find_dead(self) -> list[tuple[str, str]]:
        """Returns the workers that have ended, each with how it ended."""
        ends = {name: process.poll() for name, process in self._processes.items()}
        return [(name, _describe_end(code)) for name, code in ends.items() if code is not None]

    def __enter__(self) -> "WorkerProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()  # checkpoints are whole or absent whenever that is
            process.wait()


def _describe_end(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
