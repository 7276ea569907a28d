"""The authors' archive: finds its files, and checks them against the published MD5s."""

import hashlib
import pathlib

import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.edition import Edition
from pipeline.dataset.tarball import unpack_files

ARCHIVE_NAME = "cifar-10-binary.tar.gz"
_INNER_FOLDER = "cifar-10-batches-bin"
_READ_BYTES = 1 << 20


def open_archive(
    path: pathlib.Path, edition: Edition, *, workspace: pathlib.Path, progress: rich.progress.Progress
) -> pathlib.Path:
    """Finds the official files of a local copy.

    Args:
        path: `cifar-10-binary.tar.gz`, or the folder that it unpacks to, or the one around that.
        edition: Which files there should be.
        workspace: Folder to unpack to.
        progress: Display for the bars.

    Returns:
        The folder that holds the official files.

    Raises:
        UsageFailure: There is nothing at this path.
        DataFailure: The archive is damaged or incomplete.
    """
    if path.is_dir():
        inner = path / _INNER_FOLDER
        return inner if inner.is_dir() else path
    if not path.is_file():
        raise UsageFailure(f"There is no {path}; --path takes {ARCHIVE_NAME} or the folder that it unpacks to.")
    folder = workspace / "archive"
    folder.mkdir()
    unpack_files(path, [file.name for file in edition.files], into=folder, progress=progress)
    return folder


def check_md5s(folder: pathlib.Path, edition: Edition, *, progress: rich.progress.Progress) -> None:
    """Compares the official files with their published checksums.

    Args:
        folder: Where the files are.
        edition: Their names and MD5s.
        progress: Display for the bar.

    Raises:
        DataFailure: A file is missing, cannot be read or has another MD5, and which.
    """
    for file in progress.track(edition.files, description="Checking MD5s"):
        path = folder / file.name
        try:
            found = _md5(path)
        except OSError as error:
            raise DataFailure(
                f"{path} cannot be read ({error.strerror}); the folder should hold the official files "
                f"{edition.files[0].name} to {edition.files[-1].name}."
            ) from error
        if found != file.md5:
            raise DataFailure(f"{path} has the MD5 {found} instead of {file.md5}; it is damaged, get it again.")


def _md5(path: pathlib.Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
