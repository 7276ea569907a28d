"""Keeps the log messages of TensorFlow and Beam off the screen."""

import contextlib
import logging
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import TextIO


def quiet_imports() -> None:
    """Silences the messages of library imports; to be called before them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # missing accelerators, ends of files
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # about the age of Python 3.10


def start_tensorflow() -> None:
    """Imports TensorFlow without its messages, and silences those of later imports."""
    quiet_imports()
    with mute_stderr():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def mute_stderr() -> Iterator[TextIO]:
    """Mutes file descriptor 2: TensorFlow 2.21 writes to it before it reads its log level.

    Yields:
        A file that still writes to the original target of the descriptor.
    """
    with os.fdopen(os.dup(2), "w") as shown, pathlib.Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield shown
        finally:
            os.dup2(shown.fileno(), 2)


@contextlib.contextmanager
def quiet_beam(unknown_options: int = logging.WARNING) -> Iterator[None]:
    """Silences Beam's warnings, except for those about unknown options from a level on."""
    levels = {logging.getLogger(): logging.ERROR, logging.getLogger("apache_beam.options"): unknown_options}
    before = {logger: logger.level for logger in levels}
    for logger, level in levels.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
