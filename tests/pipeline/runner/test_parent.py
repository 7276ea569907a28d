"""A run whose process dies, an interrupt, and a root that cannot be used."""

import dataclasses
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
from pipeline.config import QUICK, PipelineConfig, TrackingConfig
from pipeline.runner import parent
from pipeline.runner.events import RunEnded
from pipeline.runner.parent import run


@pytest.fixture
def config(tmp_path: pathlib.Path, slice_dir: pathlib.Path) -> PipelineConfig:
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    return dataclasses.replace(QUICK, root=tmp_path / "root", data=data)


def test_a_root_that_is_a_file_is_rejected(config: PipelineConfig) -> None:
    config.root.touch()
    with pytest.raises(UsageFailure, match=r"root is .*root: File exists; name a folder that you may write to"):
        run(config, Console())


def test_damaged_metadata_stops_the_run_before_it_starts(config: PipelineConfig) -> None:
    config.root.mkdir()
    garbage = b"garbage" * 1000
    config.metadata_path.write_bytes(garbage)
    with pytest.raises(DataFailure, match=r"metadata\.sqlite is damaged \(file is not a database\); put a copy of it"):
        run(config, Console())
    assert config.metadata_path.read_bytes() == garbage
    assert not (config.root / "logs").exists()


def test_tracking_without_its_package_is_rejected_before_the_run_starts(
    config: PipelineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    tracked = dataclasses.replace(config, tracking=TrackingConfig(mlflow="http://localhost:5000"))
    with pytest.raises(UsageFailure, match=r"`pip install '\.\[mlflow\]'` in the project's folder installs it"):
        run(tracked, Console())
    assert not config.root.exists()


@pytest.mark.parametrize(("min_accuracy", "code"), [(0.5, ExitCode.OK), (0.99, ExitCode.NOT_BLESSED)])
def test_the_exit_code_says_whether_a_model_was_pushed(
    config: PipelineConfig, monkeypatch: pytest.MonkeyPatch, min_accuracy: float, code: ExitCode
) -> None:
    RecordedRoot(config.root).record(Plan(run_id="r1", min_accuracy=min_accuracy))
    monkeypatch.setattr(parent, "_follow", lambda *_: RunEnded())
    assert run(config, Console()) == code


def _start(config: PipelineConfig) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Starts a run; returns its process and the one in which the DAG runs."""
    shown = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", "--root", config.root, "--data.tfds-dir", config.data.tfds_dir],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(300):
        children = psutil.Process(shown.pid).children()
        if children and list(config.root.glob("logs/*.log")):
            return shown, children[0]
        time.sleep(0.1)
    raise AssertionError("the run did not start")


def test_a_killed_dag_process_is_reported_with_its_signal_and_the_log(config: PipelineConfig) -> None:
    shown, dag = _start(config)
    dag.kill()
    _, reported = shown.communicate(timeout=60)
    assert shown.returncode == ExitCode.STEP_FAILED
    assert "killed by signal SIGKILL" in reported
    assert str(next(config.root.glob("logs/*.log"))) in reported
    assert "Traceback" not in reported


def test_an_interrupt_while_the_dag_process_starts_is_not_lost(
    config: PipelineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = subprocess.Popen
    started: list[psutil.Process] = []

    def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = begin(*arguments, **options)
        started.append(psutil.Process(process.pid))
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
        return process

    monkeypatch.setattr(parent.subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        run(config, Console())
    assert [dag.is_running() for dag in started] == [False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_dag_process_ends_with_its_parent(config: PipelineConfig, number: signal.Signals) -> None:
    shown, dag = _start(config)
    assert os.getsid(dag.pid) != os.getsid(shown.pid)  # Ctrl-C reaches the parent alone
    shown.send_signal(number)
    _, reported = shown.communicate(timeout=60)
    if number == signal.SIGINT:
        assert (shown.returncode, reported) == (ExitCode.INTERRUPTED, "tokenlearner: interrupted\n")
    dag.wait(timeout=60)
