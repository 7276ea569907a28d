"""A folder to build in, for one process at a time, which leaves nothing half made behind."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator

from components.errors import DataFailure
from components.lock import hold_lock


@contextlib.contextmanager
def open_workspace(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes an empty folder on the target's file system, so that a rename from it to the target is atomic.

    What a killed process left there is removed first; the lock of a process ends with the process.

    Args:
        target: The folder to be made.

    Yields:
        An empty folder next to the target; it is removed at the end.

    Raises:
        LockedError: Another process is making the same target.
        DataFailure: A file or folder cannot be read or written.
    """
    busy = f"Another process is making {target} right now; wait until it has ended, then try again."
    workspace = target.with_name(f".{target.name}.incomplete")
    try:
        with hold_lock(target.with_name(f".{target.name}.lock"), busy):
            shutil.rmtree(workspace, ignore_errors=True)
            workspace.mkdir()
            try:
                yield workspace
            finally:
                shutil.rmtree(workspace, ignore_errors=True)
    except OSError as error:
        raise DataFailure(f"{target} cannot be made: {error}.") from error
