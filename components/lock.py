"""A file lock that one process holds at a time."""

import contextlib
import fcntl
import pathlib
import time
from collections.abc import Iterator
from typing import IO

from components.errors import UsageFailure

_LOOK_SECONDS = 0.05


class LockedError(UsageFailure):
    """Another process holds the lock; the message says what to do."""


@contextlib.contextmanager
def hold_lock(path: pathlib.Path, busy: str) -> Iterator[None]:
    """Holds a lock; the kernel releases it even after `kill -9`.

    Args:
        path: The lock's file; its folder is created if it is missing.
        busy: Message of the error if another process holds it.

    Raises:
        LockedError: Another process holds it.
        OSError: The file system cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        if not _lock(file) and not _lock_later(file):
            raise LockedError(busy)
        yield


def is_held(path: pathlib.Path) -> bool:
    """Checks whether a process holds a lock; takes microseconds and writes nothing."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_later(file: IO[str]) -> bool:
    """Tries again after a moment, because `is_held` holds the lock for an instant."""
    time.sleep(_LOOK_SECONDS)
    return _lock(file)
