"""Keeps the chatter of TensorFlow and Beam off the screen."""

import contextlib
import logging
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import TextIO


def quiet_imports() -> None:
    """Silences what libraries say while they are imported; to be called before."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of missing accelerators and ends of files
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # of the age of Python 3.10


def start_tensorflow() -> None:
    """Imports TensorFlow, and silences what it and other libraries say while they are imported, now and later."""
    quiet_imports()
    with mute_stderr():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def mute_stderr() -> Iterator[TextIO]:
    """Drops what comes to descriptor 2, where TensorFlow 2.21 writes before it heeds its log level.

    Yields:
        What leads to where the descriptor led.
    """
    with os.fdopen(os.dup(2), "w") as shown, pathlib.Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield shown
        finally:
            os.dup2(shown.fileno(), 2)


@contextlib.contextmanager
def quiet_beam(unknown_options: int = logging.WARNING) -> Iterator[None]:
    """Silences Beam's warnings, but for those about options that it does not know, if they reach that level."""
    levels = {logging.getLogger(): logging.ERROR, logging.getLogger("apache_beam.options"): unknown_options}
    before = {logger: logger.level for logger in levels}
    for logger, level in levels.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
