"""Keeps the chatter of TensorFlow and Beam off the screen."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator


def quiet_imports() -> None:
    """Silences what libraries say while they are imported; to be called before."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of missing accelerators and ends of files
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # of the age of Python 3.10


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
