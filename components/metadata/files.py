"""Reads what steps left; a file that is damaged or missing ends the command with one sentence."""

import pathlib
from collections.abc import Callable
from typing import TypeVar

from components.errors import DataFailure

Found = TypeVar("Found")


def read_folder(reader: Callable[[pathlib.Path], Found], file: pathlib.Path | None) -> Found | None:
    """Reads a file by what reads its folder.

    Args:
        reader: Such as `read_verdict`.
        file: None: the run has not come so far.

    Raises:
        DataFailure: It is damaged or missing.
    """
    if file is None:
        return None
    try:
        return reader(file.parent)
    except Exception as error:  # of zipfile, zlib, numpy, pydantic: a damaged file fails in many ways
        raise _blame(file, error) from None


def _blame(file: pathlib.Path, error: Exception) -> DataFailure:
    what = "missing" if isinstance(error, FileNotFoundError) else "damaged or of another version of this project"
    return DataFailure(f"{file} is {what}; put a copy of it back, or run again in another --root.")
