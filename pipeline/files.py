"""Finds files by name, folder or glob, and writes files atomically."""

import contextlib
import glob
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator

from components.errors import UsageFailure


def find_files(names: Iterable[str], part: str = "") -> tuple[list[pathlib.Path], dict[str, str]]:
    """Finds files.

    Args:
        names: Of files, of folders (including everything below them, except hidden files) and globs.
        part: Only files of a folder whose names contain this are taken; a file that is named itself always is.

    Returns:
        The files, in the order of the names (those of a folder or a glob sorted), and why a name matches no file.
    """
    files: list[pathlib.Path] = []
    missing: dict[str, str] = {}
    for name in names:
        # pathlib's own glob takes no absolute patterns.
        matches = [name] if pathlib.Path(name).exists() else sorted(glob.glob(name, recursive=True))  # noqa: PTH207
        found = dict.fromkeys(file for match in matches for file in _expand(pathlib.Path(match), part))  # `**` repeats
        files += found
        if not found:
            missing[printable(name)] = "contains no file to read" if matches else "does not exist"
    return files, missing


def _expand(path: pathlib.Path, part: str) -> list[pathlib.Path]:
    """Returns the file, or the files below the folder; pipes and sockets would block the reader and are left out."""
    if path.is_file():
        return [path]
    below = (file for file in path.rglob("*") if part in file.name and file.is_file())
    return sorted(file for file in below if not any(each.startswith(".") for each in file.relative_to(path).parts))


def printable(path: pathlib.Path | str) -> str:
    """Returns the name of a file as text; bytes that are not UTF-8 become a replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def check_destination(option: str, path: pathlib.Path) -> None:
    """Makes the folder above an output and checks that it can be written to, before the work begins.

    Args:
        option: That named the output.
        path: Of the output.

    Raises:
        UsageFailure: It cannot be written to.
    """
    if path.is_dir():
        raise UsageFailure(f"{option} is {printable(path)}, which is a folder; choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except FileExistsError:
        raise UsageFailure(f"{option} is {printable(path)}, which is below a file; name another.") from None
    except OSError as error:
        raise UsageFailure(f"{option} is {printable(path)}: {error.strerror}; name another.") from None


@contextlib.contextmanager
def write_whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path beside a file, and replaces the file by it at the end; after an error the old file stays.

    Raises:
        UsageFailure: The file system cannot be written to.
    """
    aside = path.with_name(f".unfinished-{os.getpid()}{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        raise UsageFailure(f"{printable(path)} cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)
