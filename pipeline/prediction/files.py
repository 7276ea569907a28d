"""Files that a person names one by one, by folder or by glob; and files that come to be whole or not at all."""

import contextlib
import dataclasses
import glob
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator

from components.errors import UsageFailure

Wanted = Callable[[str], bool]  # of the name of a file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rejection:
    """What was named and gave nothing."""

    name: str
    reason: str  # a clause to stand behind the name

    @property
    def sentence(self) -> str:
        """Says so."""
        return f"{self.name} {self.reason}."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What names stand for."""

    files: tuple[pathlib.Path, ...]  # in the order of the names; those of a folder or a glob are sorted
    missing: tuple[Rejection, ...]  # names that stand for nothing


def find_files(names: Iterable[str], is_wanted: Wanted = lambda _: True) -> Found:
    """Finds files.

    Args:
        names: Of files, of folders (with all that is below them, but hidden files) and globs (`**` is any folder).
        is_wanted: Which files of a folder are taken, by name; a file that is named itself always is.
    """
    files: list[pathlib.Path] = []
    missing: list[Rejection] = []
    for name in names:
        path = pathlib.Path(name)
        matches = [path] if path.exists() else _match(name)
        found = dict.fromkeys(file for match in matches for file in _expand(match, is_wanted))  # `**` gives some twice
        files += found
        if not found:
            missing.append(Rejection(name=printable(name), reason=_describe_nothing(path, matches)))
    return Found(files=tuple(files), missing=tuple(missing))


def _match(pattern: str) -> list[pathlib.Path]:
    return [pathlib.Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  takes any path


def _expand(path: pathlib.Path, is_wanted: Wanted) -> list[pathlib.Path]:
    """Returns the files that a path stands for; pipes and sockets, which block a reader, are none."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    below = [
        pathlib.Path(folder, name)
        for folder, _, names in os.walk(path)
        if not any(part.startswith(".") for part in pathlib.Path(folder).relative_to(path).parts)
        for name in names
        if not name.startswith(".") and is_wanted(name)
    ]
    return sorted(file for file in below if file.is_file())


def _describe_nothing(path: pathlib.Path, matches: list[pathlib.Path]) -> str:
    if path.is_dir():
        return "holds no such file"
    if path.exists():
        return "is neither a file nor a folder"
    if matches:
        return "matches no such file"
    return "matches nothing" if glob.has_magic(str(path)) else "does not exist"


def printable(path: pathlib.Path | str) -> str:
    """Returns a file's name as text; what is no UTF-8 in it becomes a replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def check_destination(option: str, path: pathlib.Path) -> None:
    """Tells early that a file cannot be written.

    Args:
        option: By which it was named.
        path: Of the file; its folder is made.

    Raises:
        UsageFailure: It cannot.
    """
    if path.is_dir():
        raise UsageFailure(f"{option} is {printable(path)}, which is a folder; name a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageFailure(f"{option} is {printable(path)}, which is below a file; name another.") from None
    except OSError as error:
        raise UsageFailure(f"{option} is {printable(path)}: {error.strerror}; name another file.") from None
    if not os.access(path.parent, os.W_OK):
        raise UsageFailure(f"{option} is {printable(path)}, whose folder you may not write to; name another file.")


@contextlib.contextmanager
def write_whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Lends a path beside a file, and puts what was written there in its place; after a failure all is as it was.

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
