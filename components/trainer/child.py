"""What ties a process that trains to the one that started it: lines of JSON out, and an end when input ends."""

import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from components.trainer.progress import LOGGER

ENDS_WITH_INPUT = "--ends-with-input"  # for a process that would train for nobody if its parent were dead


def start(module: str, folder: pathlib.Path, variables: dict[str, str]) -> "subprocess.Popen[str]":
    """Starts a child, which finds the code of this process and ends with it, however that happens.

    Args:
        module: That is run.
        folder: Its argument.
        variables: Of its environment, beside those of this process.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, str(folder), ENDS_WITH_INPUT],
        env=os.environ | {"PYTHONPATH": _find_sources()} | variables,
        stdin=subprocess.PIPE,  # which closes when this process ends
        stdout=subprocess.PIPE,
        text=True,
    )


def _find_sources() -> str:
    """Returns PYTHONPATH for a child: TFX imports user code by path."""
    return os.pathsep.join(path for path in sys.path if path)


def describe_end(code: int) -> str:
    """Says how a child has ended, by its exit code."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class JsonLines(logging.Handler):
    """Writes progress, and answers, to what was the standard output."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the progress of a record."""
        self.tell(vars(record)["progress"])

    def tell(self, line: dict[str, Any]) -> None:
        """Writes a line."""
        print(json.dumps(line), file=self._stream, flush=True)


def tell_progress() -> JsonLines:
    """Keeps the standard output for progress; what libraries print goes where errors go."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines = JsonLines(own)
    LOGGER.addHandler(lines)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    return lines


def run(work: Callable[[pathlib.Path, JsonLines], None]) -> None:
    """Does a child's work in the folder that its command line names; what its user did wrong ends it in a sentence.

    Args:
        work: Gets the folder, and where to tell progress; raises a ValueError or an OSError for what is wrong.
    """
    if has_parent():
        threading.Thread(target=_end_with_input, daemon=True).start()
    if len(sys.argv) < 2:
        sys.exit("Name the folder of the search: <pipeline root>/search.")
    try:
        work(pathlib.Path(sys.argv[1]), tell_progress())
    except (ValueError, OSError) as error:
        sys.exit(f"This process ends: {error}.")


def has_parent() -> bool:
    """Tells whether `start` started this process; else a person did, or a cluster."""
    return ENDS_WITH_INPUT in sys.argv


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes; past Python's buffer, which a thread may not hold at the end
    os._exit(1)
