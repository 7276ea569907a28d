"""Copies the sqlite file of ML Metadata between two writes, without disturbing the writer."""

import contextlib
import pathlib
import sqlite3
import tempfile
from collections.abc import Iterator

from components.errors import DataFailure, UsageFailure

_PATIENCE_SECONDS = 2.0  # how long another process may hold the file; a step's writes take milliseconds


@contextlib.contextmanager
def take_snapshot(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Copies a metadata file and removes the copy at the end.

    Args:
        path: The sqlite file of ML Metadata; it must exist.

    Yields:
        The copy.

    Raises:
        UsageFailure: Another process holds the file, or it may not be read.
        DataFailure: The file is damaged, or is no ML Metadata.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenlearner-"))
            copy = pathlib.Path(folder) / "metadata.sqlite"
            _copy(path, copy)
        except sqlite3.DatabaseError as error:
            raise _explain(error, path) from None
        except OSError as error:
            raise _explain_no_copy(path, error.strerror or str(error)) from None
        yield copy


def _copy(path: pathlib.Path, copy: pathlib.Path) -> None:
    # Opened for writing, though only read: after a kill in the middle of a write sqlite first has to roll that back.
    address = f"{path.resolve().as_uri()}?mode=rw"
    with (
        contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_SECONDS)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.execute("PRAGMA query_only = ON")
        # `backup` waits for a lock without end, a transaction of our own only as long as we say.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target)
        errors = [error for (error,) in target.execute("PRAGMA quick_check(1)")]
        if errors != ["ok"]:
            raise sqlite3.DatabaseError(f"quick_check: {errors[0].splitlines()[-1]}")
        if not target.execute("SELECT count(*) FROM sqlite_master WHERE name = 'MLMDEnv'").fetchone()[0]:
            raise DataFailure(f"{path} holds no ML Metadata; remove it, or name another folder with --root.")


def _explain(error: sqlite3.DatabaseError, path: pathlib.Path) -> DataFailure | UsageFailure:
    reason = str(error).rstrip(".")
    if "locked" in reason or "busy" in reason:
        seconds = f"{_PATIENCE_SECONDS:.0f} seconds"
        return UsageFailure(f"{path} has been locked by another process for {seconds}; try again later.")
    if "full" in reason or "disk I/O" in reason:
        return _explain_no_copy(path, reason)
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in reason:
        return UsageFailure(f"{path} cannot be opened; make it a file that you may read.")
    return describe_damage(path, reason)


def describe_damage(path: pathlib.Path, reason: str) -> DataFailure:
    """Makes the error of a damaged metadata file."""
    return DataFailure(
        f"{path} is damaged ({reason}); put a copy of it back, or move it away: the next run starts a new one."
    )


def _explain_no_copy(path: pathlib.Path, reason: str) -> UsageFailure:
    folder = tempfile.gettempdir() if tempfile.tempdir else "the folder for temporary files (TMPDIR)"
    return UsageFailure(f"{path} cannot be copied to {folder} ({reason}); free space there, and repeat the command.")
