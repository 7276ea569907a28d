"""A folder of image files becomes a TFDS dataset."""

import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.console import CONSOLE
from pipeline.dataset.folder import ImageFile, encode_image, find_common_size, find_images
from pipeline.dataset.workspace import open_workspace
from pipeline.files import printable
from pipeline.image_files import UnreadableError
from pipeline.quiet import start_tensorflow

VERSION = "1.0.0"
_NAME = re.compile("[a-z][a-z0-9_]*")
_BATCH = 8  # images that a process encodes at once
_AHEAD = 8  # batches that are encoded before they are written
_SHOWN = 10  # unreadable files in a message


def import_folder(folder: pathlib.Path, *, name: str, data_dir: pathlib.Path, skip_unreadable: bool) -> pathlib.Path:
    """Makes the TFDS dataset `<data_dir>/<name>/1.0.0`.

    An image's id is its path below the folder. Splits that the folder has are kept; a run cuts the others from train.

    Args:
        folder: With a subfolder of image files for each class, optionally within folders train, valid and test.
        name: Of the dataset: lowercase letters, digits and underscores.
        data_dir: Root folder of TFDS datasets.
        skip_unreadable: Whether to leave out files that cannot be read.

    Returns:
        The version folder.

    Raises:
        UsageFailure: The name is invalid or taken.
        LockedError: Another process is making the dataset.
        DataFailure: The folder has no classes or no images, a file cannot be read, or the dataset cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageFailure(f"--name is {name!r}; it takes lowercase letters, digits and underscores, such as flowers.")
    target = data_dir / name / VERSION
    if target.exists():
        raise UsageFailure(f"{target} exists already; delete it, or choose another --name.")
    found = find_images(folder)
    start = time.monotonic()
    with open_workspace(target) as workspace:
        start_tensorflow()
        from pipeline.dataset.builder import build_images

        reader = _Reader()
        splits = {split: reader.read(split, files) for split, files in found.splits.items()}
        size = find_common_size(itertools.chain(*found.splits.values()))
        try:
            built = build_images(workspace, name, VERSION, found.class_names, splits, size)
        except AssertionError:  # of TFDS: a split has no images
            raise DataFailure(_describe(folder, reader.unreadable)) from None
        if reader.unreadable and not skip_unreadable:
            raise DataFailure(_describe(folder, reader.unreadable))
        built.rename(target)
    counts = ", ".join(f"{split} {images:,}" for split, images in reader.images.items())
    CONSOLE.print(
        f"Made {target} in {time.monotonic() - start:.0f} seconds: {len(found.class_names)} classes, {counts}."
    )
    if reader.unreadable:
        CONSOLE.print(f"Left out files that cannot be read: {len(reader.unreadable):,}.")
    if found.ignored:
        CONSOLE.print(f"Ignored files whose names do not end like those of images: {found.ignored:,}.")
    if found.empty:
        CONSOLE.print(f"Left out folders without images: {', '.join(found.empty)}.")
    return target


class _Reader:
    """Encodes images in as many processes as there are CPUs, a bounded number ahead of the writer."""

    def __init__(self) -> None:
        self.images = collections.Counter[str]()  # of each split
        self.unreadable: list[str] = []

    def read(self, split: str, files: Sequence[ImageFile]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields keys and examples; files that cannot be read are noted."""
        progress = rich.progress.track(files, "Reading", console=CONSOLE)
        for file, image in zip(progress, _encode(files), strict=True):
            if isinstance(image, str):
                self.unreadable.append(f"{file.name} {image}")
            else:
                self.images[split] += 1
                yield file.name, {"id": file.name, "image": image, "label": file.label}


def _encode(files: Sequence[ImageFile]) -> Iterator[bytes | str]:
    pending: collections.deque[concurrent.futures.Future[list[bytes | str]]] = collections.deque()
    context = multiprocessing.get_context("forkserver")  # forks of a process with TensorFlow's threads may hang
    with concurrent.futures.ProcessPoolExecutor(len(os.sched_getaffinity(0)), context) as pool:
        for first in range(0, len(files), _BATCH):
            pending.append(pool.submit(_encode_batch, [file.path for file in files[first : first + _BATCH]]))
            if len(pending) > _AHEAD:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _encode_batch(paths: Sequence[pathlib.Path]) -> list[bytes | str]:
    return [_encode_file(path) for path in paths]


def _encode_file(path: pathlib.Path) -> bytes | str:
    """Returns the encoded image, or why it cannot be read."""
    try:
        return encode_image(path)
    except UnreadableError as error:
        return str(error)


def _describe(folder: pathlib.Path, unreadable: Sequence[str]) -> str:
    shown = "; ".join(unreadable[:_SHOWN])
    more = f"; and {len(unreadable) - _SHOWN:,} more" if len(unreadable) > _SHOWN else ""
    files = "1 file" if len(unreadable) == 1 else f"{len(unreadable):,} files"
    return (
        f"{files} in {printable(folder)} cannot be used: {shown}{more}. Repair or remove them, or "
        "leave them out with --skip-unreadable. Nothing was written."
    )
