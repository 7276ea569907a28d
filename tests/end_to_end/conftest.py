"""A pipeline root after a run that was killed in the Trainer, and after the same command again, to its end."""

import io
import os
import signal
import subprocess

import pytest
from rich.console import Console
from sample_slice import Copies, make_slice
from workplace import Workplace

from components.errors import ExitCode
from components.lock import LockedError
from pipeline.runner.parent import run

DOWN = "http://127.0.0.1:9"  # a port that is closed


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    folder, copies = tmp_path_factory.mktemp("root"), Copies(2)  # 1 % of 200
    (folder / "run").mkdir()
    (folder / "run" / "duplicates.json").write_text("of an earlier run")
    return Workplace(folder / "run", make_slice(folder / "data", copies), copies)


@pytest.fixture(scope="session")
def killed(workplace: Workplace) -> str:
    """A run that is killed in the Trainer; returns what another one says that begins in the same root meanwhile."""
    process = workplace.start()
    assert process.stdout is not None
    process.stdout.readline()  # says where the log is: the root is locked
    with pytest.raises(LockedError) as second:
        run(workplace.configure(), Console(file=io.StringIO()))
    seen = next((line for line in process.stdout if "candidate 1/" in line), "no trial ended")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "candidate 1/" in seen
    assert not (workplace.root / "serving").exists()
    return str(second.value)


@pytest.fixture(scope="session")
def first(workplace: Workplace, killed: str) -> "subprocess.CompletedProcess[str]":
    """The same command again, to its end, with a server for tracking that is down."""
    assert killed
    trained = {path: path.stat().st_mtime_ns for path in workplace.root.glob("search/*/*.checkpoint")}
    assert trained
    done = workplace.run("--tracking.mlflow", DOWN)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    return done
