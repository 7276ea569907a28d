"""A folder to build in, lent to one process at a time, that leaves nothing half made behind."""

import collections.abc
import contextlib
import errno
import os
import pathlib
import shutil

from components.errors import DataFailure
from components.lock import hold_lock

_HINTS = {
    errno.ENOSPC: "free some space there or choose another folder",
    errno.EDQUOT: "free some space there or choose another folder",
    errno.EFBIG: "raise the limit on file sizes or choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOTDIR: "choose a path whose parents are all folders",
}


STORAGE_ERRNOS = frozenset({*_HINTS, errno.EIO})


@contextlib.contextmanager
def lend_workspace(target: pathlib.Path) -> collections.abc.Iterator[pathlib.Path]:
    """Lends an empty folder on the target's file system, so that a rename from it to the target is atomic.

    What a killed process left there is removed first; nobody else can be using it, since the lock dies with its holder.

    Args:
        target: The file or folder that will be made.

    Yields:
        An empty folder beside the target, removed afterwards.

    Raises:
        LockedError: Another process is making the same target.
        OSError: The file system cannot be written to.
    """
    busy = f"Another process is making {target} right now; wait until it has ended, then try again."
    with hold_lock(target.parent / f".{target.name}.lock", busy):
        workspace = target.parent / f".{target.name}.incomplete"
        if workspace.exists():
            shutil.rmtree(workspace)
        workspace.mkdir()
        try:
            yield workspace
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


@contextlib.contextmanager
def tell_storage_failures(folder: pathlib.Path) -> collections.abc.Iterator[None]:
    """Turns the file system's error into one sentence.

    Args:
        folder: Where is being written; an error without a file name is taken to be from there.

    Raises:
        DataFailure: The disk is full, read-only, or the like.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        reason = reason[:1].lower() + reason[1:]
        if _is_elsewhere(error.filename, folder):
            raise DataFailure(f"Cannot read {error.filename}: {reason}; check that path.") from error
        hint = _HINTS.get(error.errno or 0, "check that folder")
        raise DataFailure(f"Cannot write in {folder}: {reason}; {hint}.") from error


def _is_elsewhere(filename: str | None, folder: pathlib.Path) -> bool:
    """Tells whether a file lies neither below the folder nor on the way to it."""
    if not filename:
        return False
    file, folder = pathlib.Path(filename).absolute(), folder.absolute()
    return not (file.is_relative_to(folder) or folder.is_relative_to(file))
