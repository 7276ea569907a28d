"""The file of pixels: it returns the images, has no name, and fails with one message.

Axes: images, height, width, channels.
"""

import io
import pathlib
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from components.trainer.data.pixel_file import PixelFile, PixelFileError, check_room

_SHAPE = (4, 3, 2)  # height, width, channels


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Where temporary files lie."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def images() -> np.ndarray:
    """Images that all differ, [images, height, width, channels]."""
    return np.random.default_rng(1).integers(256, size=(50, *_SHAPE)).astype(np.uint8)


def fill(images: np.ndarray) -> PixelFile:
    """Keeps images, in batches of seven."""
    file = PixelFile(images.shape[1:])
    for start in range(0, len(images), 7):
        file.append(images[start : start + 7])
    return file


@pytest.mark.parametrize(("processes", "words"), [(1, "92.2 MB"), (3, "276.5 MB for 3 processes")])
def test_the_room_is_stated_and_checked_before_any_image_is_decoded(
    processes: int, words: str, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_room(30_000, 32, processes) == f"30,000 decoded images take {words} in {folder}."
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 92_159_999))
    with pytest.raises(PixelFileError) as caught:
        check_room(30_000, 32, processes)
    assert str(caught.value) == (
        f"the decoded images cannot be kept in {folder} (they need {words}, 92.2 are free); make room there, or name "
        "another folder in the environment variable TMPDIR, and run the same command again"
    )


def test_any_positions_in_any_order_are_read_by_many_threads(images: np.ndarray) -> None:
    images = images[::-1, :, ::-1]  # not contiguous in memory
    file = fill(images)
    for positions in ([0], [49], [6, 7], [3, 3, 48, 0]):
        np.testing.assert_array_equal(file.gather(np.array(positions)), images[positions])
    assert file.gather(np.array([], int)).shape == (0, *_SHAPE)
    orders = [np.random.default_rng(seed).integers(50, size=40) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for order, gathered in zip(orders, pool.map(file.gather, orders), strict=True):
            np.testing.assert_array_equal(gathered, images[order])


def test_no_image_can_be_read_after_the_last_one_or_after_the_end(images: np.ndarray) -> None:
    file = fill(images)
    with pytest.raises(IndexError, match="the file of pixels has no image 50"):
        file.gather(np.array([3, 50]))
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.gather(np.array([3]))


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").is_dir(), reason="needs Linux's list of open files")
def test_the_file_lies_in_tmpdir_without_a_name_so_that_a_killed_process_leaves_nothing(
    images: np.ndarray, folder: pathlib.Path
) -> None:
    file = fill(images)
    assert pathlib.Path(f"/proc/self/fd/{file._file.fileno()}").readlink().parent == folder
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_reported_in_one_message(
    images: np.ndarray, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "r+"))
    with pytest.raises(PixelFileError) as caught:
        fill(images)
    assert str(caught.value) == (
        f"the decoded images cannot be kept in {folder} (No space left on device); make room there, or name another "
        "folder in the environment variable TMPDIR, and run the same command again"
    )


def test_a_disk_that_takes_only_parts_of_a_batch_gets_all_of_it(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.FileIO):
        def write(self, content: Any) -> int:
            return super().write(content[:5])

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Slow(f"{tempfile.tempdir}/slow", "w+"))
    np.testing.assert_array_equal(fill(images).gather(np.arange(50)), images)


def test_a_missing_folder_is_reported_in_one_message(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    message = f"the decoded images cannot be kept in {folder}/gone (No such file or directory); make sure that it"
    with pytest.raises(PixelFileError, match=re.escape(message)):
        PixelFile(_SHAPE)
