"""A file lock that one process holds at a time."""

import contextlib
import fcntl
import pathlib
from collections.abc import Iterator


class LockedError(Exception):
    """Another process holds the lock; the message says what to do."""


@contextlib.contextmanager
def hold_lock(path: pathlib.Path, busy: str) -> Iterator[None]:
    """Holds a lock; the kernel lets go of it even after `kill -9`.

    Args:
        path: The lock's file; its folder is made when it is missing.
        busy: What to tell when another process holds it, one sentence.

    Raises:
        LockedError: Another process holds it.
        OSError: The file system refuses to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(busy) from None
        yield
