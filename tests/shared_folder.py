"""A folder that the processes of one test run make once and share."""

import fcntl
import os
import pathlib
from collections.abc import Callable

import pytest


def share_folder(factory: pytest.TempPathFactory, name: str, make: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """Returns the folder; the process that asks first makes it, and the others wait.

    Args:
        factory: Of this process.
        name: Of the folder.
        make: Fills a folder that does not exist yet.

    Returns:
        The folder, which tests must not change.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # xdist gives each process a folder in this one
    folder = base / f"shared-{name}"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            aside = base / f"{name}.part"
            make(aside)
            aside.rename(folder)
    return folder
