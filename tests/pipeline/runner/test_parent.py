"""A run whose process dies, and a root that cannot be used, end in one sentence."""

import dataclasses
import io
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import psutil
import pytest
from recorded_root import Plan, RecordedRoot
from rich.console import Console

from components.errors import DataFailure, ExitCode, UsageFailure
from pipeline.config import QUICK
from pipeline.runner import parent
from pipeline.runner.events import RunEnded
from pipeline.runner.parent import run


def test_a_root_that_is_a_file_is_rejected(tmp_path: pathlib.Path, slice_dir: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    with pytest.raises(UsageFailure, match=r"root is .*file: File exists; name a folder that you may write to"):
        run(dataclasses.replace(QUICK, root=tmp_path / "file", data=data), Console(file=io.StringIO()))


def test_metadata_that_is_damaged_stops_the_run_in_one_sentence(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path
) -> None:
    garbage = b"garbage" * 1000
    (tmp_path / "metadata.sqlite").write_bytes(garbage)
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    with pytest.raises(DataFailure) as stopped:
        run(dataclasses.replace(QUICK, root=tmp_path, data=data), Console(file=io.StringIO()))
    assert str(stopped.value) == (
        f"{tmp_path / 'metadata.sqlite'} is damaged (file is not a database); put a copy of it back, or move it away: "
        "the next run starts a new one."
    )
    assert (tmp_path / "metadata.sqlite").read_bytes() == garbage
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(("min_accuracy", "code"), [(0.5, ExitCode.OK), (0.99, ExitCode.NOT_BLESSED)])
def test_the_exit_code_tells_whether_a_model_was_pushed(
    tmp_path: pathlib.Path,
    slice_dir: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    min_accuracy: float,
    code: ExitCode,
) -> None:
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1", min_accuracy=min_accuracy))
    monkeypatch.setattr("pipeline.runner.parent._follow", lambda *_: RunEnded())
    console = Console(file=io.StringIO())
    assert run(dataclasses.replace(QUICK, root=root.path, data=data), console) == code


def _start(root: pathlib.Path, data: pathlib.Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Starts a run; returns its process and the one in which the DAG runs."""
    shown = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", "--root", str(root), "--data.tfds-dir", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(300):
        workers = [child for child in psutil.Process(shown.pid).children() if _runs_the_dag(child)]
        if workers and list(root.glob("logs/*.log")):
            return shown, workers[0]
        time.sleep(0.1)
    raise AssertionError("the run did not start")


def _runs_the_dag(process: psutil.Process) -> bool:
    try:
        return "pipeline.runner.child" in process.cmdline()
    except psutil.Error:  # it has just ended
        return False


def test_a_worker_that_is_killed_is_told_with_its_signal_and_the_log(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path
) -> None:
    shown, worker = _start(tmp_path, slice_dir)
    worker.kill()
    _, told = shown.communicate(timeout=60)
    assert shown.returncode == ExitCode.STEP_FAILED
    assert "killed by signal SIGKILL" in told
    assert str(next(tmp_path.glob("logs/*.log"))) in "".join(told.split("\n"))
    assert "Traceback" not in told


def test_an_interrupt_while_the_worker_starts_is_not_lost(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = subprocess.Popen
    started: list[psutil.Process] = []

    def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = begin(*arguments, **options)
        started.append(psutil.Process(process.pid))
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
        return process

    monkeypatch.setattr(parent.subprocess, "Popen", start)
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    config = dataclasses.replace(QUICK, root=tmp_path / "root", data=data)
    with pytest.raises(KeyboardInterrupt):
        run(config, Console(file=io.StringIO()))
    assert [worker.is_running() for worker in started] == [False]


def test_an_interrupt_of_the_terminal_does_not_reach_the_worker(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path
) -> None:
    shown, worker = _start(tmp_path, slice_dir)
    assert os.getpgid(worker.pid) != os.getpgid(shown.pid)
    assert os.getsid(worker.pid) != os.getsid(shown.pid)
    shown.send_signal(signal.SIGINT)
    _, told = shown.communicate(timeout=60)
    assert shown.returncode == ExitCode.INTERRUPTED
    assert told == "tokenlearner: interrupted\n"
    assert not worker.is_running()


def test_the_worker_does_not_outlive_a_killed_run(tmp_path: pathlib.Path, slice_dir: pathlib.Path) -> None:
    shown, worker = _start(tmp_path, slice_dir)
    os.kill(shown.pid, signal.SIGKILL)
    shown.communicate()
    worker.wait(timeout=60)
