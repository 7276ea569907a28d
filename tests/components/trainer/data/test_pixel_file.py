"""The file of pixels: gives back what it got, has no name, and says in one sentence when it cannot be kept.

Axes: images, height, width, channels.
"""

import errno
import io
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from components.trainer.data.pixel_file import PixelFile, PixelFileError

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
    file = PixelFile(images.shape[1:], images.dtype)
    for start in range(0, len(images), 7):
        file.append(images[start : start + 7])
    return file


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_any_positions_in_any_order_are_read(images: np.ndarray, dtype: type[np.generic]) -> None:
    file = fill(images.astype(dtype))
    for positions in ([0], [49], [6, 7], [3, 3, 48, 0], list(range(49, -1, -1))):
        gathered = file.gather(np.array(positions))
        assert gathered.dtype == dtype
        np.testing.assert_array_equal(gathered, images[positions])
    assert file.gather(np.array([], int)).shape == (0, *_SHAPE)


def test_images_are_written_as_they_look_though_they_lie_apart_in_memory(images: np.ndarray) -> None:
    file = fill(images[::3, :, ::-1])
    np.testing.assert_array_equal(file.gather(np.arange(17)), images[::3, :, ::-1])


def test_threads_do_not_disturb_each_other(images: np.ndarray) -> None:
    file = fill(images)
    orders = [np.random.default_rng(seed).integers(50, size=40) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for order, gathered in zip(orders, pool.map(file.gather, orders), strict=True):
            np.testing.assert_array_equal(gathered, images[order])


def test_there_is_nothing_behind_the_last_image_and_nothing_after_the_end(images: np.ndarray) -> None:
    file = fill(images)
    with pytest.raises(IndexError, match="the file of pixels has no image 50"):
        file.gather(np.array([3, 50]))
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.gather(np.array([3]))


def test_images_of_another_kind_are_rejected(images: np.ndarray) -> None:
    file = PixelFile(_SHAPE)
    for others in (images[:, :3], images.astype(np.int8)):
        with pytest.raises(ValueError, match=r"they must be uint8 \(4, 3, 2\)"):
            file.append(others)


_CHILD = """
import os, pathlib, signal
import numpy as np
from components.trainer.data.pixel_file import PixelFile
file = PixelFile((4, 3, 2))
file.append(np.ones((9, 4, 3, 2), np.uint8))
link = os.readlink(f"/proc/self/fd/{file._file.fileno()}")
print(pathlib.Path(link).parent, *pathlib.Path(os.environ["TMPDIR"]).iterdir(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").is_dir(), reason="needs Linux's list of open files")
def test_a_killed_process_leaves_no_file_in_tmpdir(folder: pathlib.Path) -> None:
    child = subprocess.run([sys.executable, "-c", _CHILD], env={"TMPDIR": str(folder)}, capture_output=True, text=True)
    assert (child.returncode, child.stdout) == (-9, f"{folder}\n"), child.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_told_in_one_sentence(
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


def test_a_folder_that_is_not_there_is_told_in_one_sentence(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    with pytest.raises(PixelFileError) as caught:
        PixelFile(_SHAPE)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOENT
    assert str(caught.value).startswith(
        f"the decoded images cannot be kept in {folder}/gone (No such file or directory);"
    )
