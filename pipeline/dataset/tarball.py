"""Takes single files out of a tar.gz."""

import collections.abc
import gzip
import pathlib
import shutil
import tarfile
import zlib

import rich.progress

from components.errors import DataFailure

_COPY_BYTES = 1 << 20


def unpack_files(
    tarball: pathlib.Path,
    names: collections.abc.Collection[str],
    *,
    into: pathlib.Path,
    progress: rich.progress.Progress,
) -> None:
    """Writes the wanted members of a tar.gz side by side, whatever folder they have inside it.

    Args:
        tarball: The tar.gz.
        names: File names of the wanted members, without folders.
        into: Existing folder to write them to.
        progress: Display for the bar.

    Raises:
        DataFailure: The tarball is damaged, not a tar.gz, or lacks a wanted member.
    """
    missing = set(names)
    try:
        with (
            progress.open(tarball, "rb", description=f"Unpacking {tarball.name}") as stream,
            tarfile.open(fileobj=stream, mode="r|gz") as tar,
        ):
            for member in tar:
                if not missing:
                    break
                missing.discard(_take(tar, member, missing, into))
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataFailure(f"{tarball} is truncated or not a tar.gz ({error}); get it again.") from error
    if missing:
        raise DataFailure(f"{tarball} holds no {', no '.join(sorted(missing))}; give the original archive.")


def _take(
    tar: tarfile.TarFile, member: tarfile.TarInfo, names: collections.abc.Set[str], into: pathlib.Path
) -> str | None:
    """Writes the member when it is wanted, and then returns its file name."""
    name = pathlib.PurePosixPath(member.name).name
    content = tar.extractfile(member) if name in names else None
    if content is None:
        return None
    with (into / name).open("wb") as file:
        shutil.copyfileobj(content, file, _COPY_BYTES)
    return name
