"""Workers that are processes of this machine: started, listened to, and ended with the process that started them."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from components.trainer.search import worker

_END_SECONDS = 20  # for a worker that has heard that there is nothing more to do


class Crew:
    """Some workers that share the cores.

    Args:
        folder: Holds their assignment.
        port: Where the chief answers on this machine.
        workers: How many.
        report: Is told the name of a worker and its progress, from threads of their own.
    """

    def __init__(
        self, folder: pathlib.Path, port: int, workers: int, report: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._folder = folder
        self._report = report
        self._variables = make_variables(port, share_threads(workers))
        self._deaths = Counter[tuple[str, str | None]]()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        for number in range(1, workers + 1):
            self.start(f"worker{number}")

    def start(self, name: str) -> None:
        """Starts a worker; the chief hands one of the same name the trial that it was busy with."""
        process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__, str(self._folder), worker.ENDS_WITH_INPUT],
            env=os.environ | {"PYTHONPATH": _find_sources(), worker.ID: name} | self._variables,
            stdin=subprocess.PIPE,  # which closes when this process ends
            stdout=subprocess.PIPE,
            text=True,
        )
        self._processes[name] = process
        threading.Thread(target=self._listen, args=(name, process), daemon=True).start()

    def _listen(self, name: str, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            self._report(name, json.loads(line))

    def find_dead(self) -> list[tuple[str, str]]:
        """Returns workers that have ended, and how."""
        ends = {name: process.poll() for name, process in self._processes.items()}
        return [(name, _describe_end(code)) for name, code in ends.items() if code is not None]

    def count_deaths(self, name: str, trial_id: str | None) -> int:
        """Counts another death in a trial, and returns how many that makes."""
        self._deaths[name, trial_id] += 1
        return self._deaths[name, trial_id]

    def wait(self) -> None:
        """Waits until the workers have ended, but not long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            for process in self._processes.values():
                process.wait(_END_SECONDS)

    def kill(self) -> None:
        """Ends whatever still runs; checkpoints are whole or absent whenever that is."""
        for process in self._processes.values():
            process.kill()
            process.wait()


def _find_sources() -> str:
    """Returns PYTHONPATH for a worker: TFX imports user code by path."""
    return os.pathsep.join(path for path in sys.path if path)


def _describe_end(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def share_threads(workers: int) -> int:
    """Returns the threads of an operation with which so many workers fill the cores once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)


def make_variables(port: int, threads: int) -> dict[str, str]:
    """Returns environment variables that tell workers where the chief is, and how many threads an operation has."""
    return {
        worker.IP: "127.0.0.1",
        worker.PORT: str(port),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
    }
