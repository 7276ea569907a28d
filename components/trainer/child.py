"""What ties a process that trains to the one that started it: lines of JSON out, and an end when input ends."""

import json
import logging
import os
import signal
import sys
import threading
from typing import Any, TextIO

from components.trainer.progress import LOGGER

ENDS_WITH_INPUT = "--ends-with-input"  # for a process that would train for nobody if its parent were dead


def find_sources() -> str:
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


def end_with_input() -> None:
    """Ends this process with its standard input, if its command line says so."""
    if ENDS_WITH_INPUT in sys.argv:
        threading.Thread(target=_end_with_input, daemon=True).start()


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes; past Python's buffer, which a thread may not hold at the end
    os._exit(1)
