"""Fixtures that tests of all folders share."""

import pathlib
import signal
import subprocess
from collections.abc import Iterator

import pytest
from commands import Mount
from sample_slice import make_slice


def pytest_configure() -> None:
    """Takes Ctrl-C, and lets children take it, where a script's `&` or nohup has had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def slice_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The slice as it is: 400 train, 100 valid and 200 test images."""
    return make_slice(tmp_path_factory.mktemp("data") / "slice")


@pytest.fixture
def mount(tmp_path: pathlib.Path) -> Iterator[Mount]:
    """Mounts a file system in memory; skips the test where one may not."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def call(options: str) -> pathlib.Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        return disk

    yield call
    if disk.is_mount():
        subprocess.run(["umount", disk], check=True)
