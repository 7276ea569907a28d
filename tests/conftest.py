"""Fixtures that tests of all folders share, and which process runs which file."""

import gc
import os
import pathlib
import signal
import subprocess
from collections.abc import Generator, Iterator
from typing import Any

# TensorFlow leaves oneDNN off on processors without AVX-512 VNNI, where it trains 1.3 times as fast with it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import pytest
from commands import Command, Done, Mount
from sample_slice import make_slice
from shared_folder import share_folder
from xdist.scheduler import LoadScopeScheduling

# The files of a group run in one process and share its fixtures: a search traces five networks, a card needs a model.
_GROUPS = {
    "tests/end_to_end/": "end_to_end",
    "tests/components/trainer/search/test_workers.py": "workers",
    "tests/components/trainer/search/test_chief.py": "workers",
    "tests/components/trainer/search/": "trainings",
    "tests/components/trainer/training/": "trainings",
    "tests/components/trainer/test_outputs.py": "trainings",
    "tests/components/lite_converter/": "lite_converter",
    "tests/components/model_card/": "model_card",
    "tests/components/report/": "report",
    "tests/components/serving_validator/": "serving_validator",
    "tests/pipeline/kubeflow/": "kubeflow",
    "tests/pipeline/prediction/": "prediction",
}
# What takes longest begins first, so that no process is left alone with it: seconds, by `--durations=0` on two cores.
_SECONDS = {"end_to_end": 340, "trainings": 300, "workers": 100}


def pytest_configure(config: pytest.Config) -> None:
    """Takes Ctrl-C, and lets children take it, where a script's `&` or nohup has had it ignored."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        gc.disable()  # until this process has imported all tests, which leaves no garbage
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Collects garbage from here on, but not among the imported modules."""
    gc.freeze()
    gc.enable()


class _GroupScheduling(LoadScopeScheduling):
    """Gives a process all tests of a group, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return _find_group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Shares out groups, whatever `--dist` says; xdist 3.8's own `loadgroup` does nothing with pytest 9."""
    return _GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the groups that take longest."""
    items.sort(key=lambda item: -_SECONDS.get(_find_group(item.nodeid), 0))


def _find_group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((group for beginning, group in _GROUPS.items() if file.startswith(beginning)), file)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails what is skipped in CI, which has to have all that tests need."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"In CI nothing is skipped. {reason}"
    return report


@pytest.fixture(scope="session")
def slice_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The slice as it is: 400 train, 100 valid and 200 test images."""
    return share_folder(tmp_path_factory, "slice", make_slice)


@pytest.fixture
def tokenlearner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `tokenlearner` in this process."""
    from pipeline.__main__ import main

    def call(*arguments: object) -> Done:
        capsys.readouterr()  # what the test itself, or TFX in this process, wrote
        monkeypatch.setattr("sys.argv", ["tokenlearner", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Done(int(end.value.code or 0), written.out, written.err)

    return call


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
        subprocess.run(["umount", "--lazy", disk], check=True)
