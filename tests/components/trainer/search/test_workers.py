"""A search by several processes: it finds what one process finds, even if processes are killed."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest
import tensorflow as tf
from trainings import Searched, assert_same_search, search_assigned

from components.machine import share_cpus
from components.trainer.assignment import Assignment
from components.trainer.config import TrainerConfig
from components.trainer.search import plan, worker, worker_processes
from components.trainer.search.chief import Chief
from components.trainer.search.worker_processes import WorkerProcesses, choose_workers
from components.trainer.training import checkpoint


@pytest.fixture(scope="module")
def alone(assignment: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """The search by one process."""
    return search_assigned(assignment, tmp_path_factory.mktemp("alone"), workers=1)


@pytest.fixture
def same_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers get as many threads as this process has: a sum over other shares rounds differently."""
    monkeypatch.setattr(worker_processes, "share_cpus", lambda _: share_cpus(1))


def find_processes(folder: pathlib.Path) -> list[psutil.Process]:
    """Returns the running workers of a search."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if {worker.__name__, str(folder)} <= set(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def read_epochs(folder: pathlib.Path) -> dict[str, tuple[Any, ...]]:
    """Returns the epochs of each training, with their seconds."""
    trainings = {file.name: checkpoint.load(file) for file in folder.glob("*/*.checkpoint")}
    return {name: training.epochs for name, training in trainings.items() if training}


def assert_kept(before: dict[str, tuple[Any, ...]], folder: pathlib.Path) -> None:
    """Asserts that no epoch was trained again."""
    assert before
    after = read_epochs(folder)
    assert before == {name: after[name][: len(epochs)] for name, epochs in before.items()}


@pytest.mark.usefixtures("same_threads")
def test_a_worker_that_is_killed_is_restarted_and_the_search_finds_what_one_process_finds(
    assignment: Assignment,
    alone: Searched,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of two workers, because each takes long to start; the slow test below has both."""
    start, check = WorkerProcesses.start, Chief.raise_error
    kept: list[dict[str, tuple[Any, ...]]] = []

    def start_first(self: WorkerProcesses, name: str) -> None:
        if name == "worker1":
            start(self, name)

    def kill_in_second_trial(self: Chief) -> None:
        check(self)
        if not kept and "0001" in {trial.trial_id for trial in self.oracle.ongoing_trials.values()}:
            [victim] = find_processes(tmp_path)
            victim.kill()
            kept.append(read_epochs(tmp_path))

    monkeypatch.setattr(WorkerProcesses, "start", start_first)
    monkeypatch.setattr(Chief, "raise_error", kill_in_second_trial)
    caplog.set_level(logging.WARNING)
    together = search_assigned(assignment, tmp_path, workers=2)
    assert_same_search(together, alone)
    assert sorted(together.logged) == sorted(alone.logged)
    assert [m for m in caplog.messages if m == "worker1 was ended by SIGKILL with trial 0001; it is restarted"]
    assert_kept(kept[0], tmp_path)
    completed = [trial for trial in together.search.trials if trial.status == "completed"]
    assert len(together.reports) == len(completed)
    shares = [report["share"] for report in together.reports]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert find_processes(tmp_path) == []


def test_as_many_workers_train_as_there_are_cpus_memory_and_points_for(
    config: TrainerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two CPUs for the two replicas of each; the config has four points."""
    machine = {"count_cpus": 16, "measure_free_memory": 100 * 2**30}
    for name in machine:
        monkeypatch.setattr(plan, name, lambda name=name: machine[name])
    assert choose_workers(config) == 4
    for name, value, workers in (
        ("count_cpus", 7, 3),
        ("count_cpus", 1, 1),
        ("measure_free_memory", 3 * 2**30, 2),
        ("measure_free_memory", 2**20, 1),
        ("measure_free_memory", None, 4),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(machine, name, value)
            assert choose_workers(config) == workers
    assert choose_workers(dataclasses.replace(config, fit=dataclasses.replace(config.fit, strategy="mirrored"))) == 1
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert choose_workers(config) == 1


_CHIEF = """
import pathlib, sys
from components.trainer.assignment import Assignment
from components.trainer.search import worker_processes
from trainings import search_assigned
worker_processes.share_cpus = lambda _, share=worker_processes.share_cpus: share(1)
folder = pathlib.Path(sys.argv[1])
search_assigned(Assignment.load(folder.parent), folder, workers=2)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("same_threads")
def test_workers_end_with_a_killed_chief_and_workers_that_something_else_starts_continue(
    assignment: Assignment, alone: Searched, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First two of this machine; then two that find their chief by KerasTuner's variables."""
    assignment.save(tmp_path)
    folder = tmp_path / "search"
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", _CHIEF, str(folder)], env=environment) as chief:
        while len(read_epochs(folder)) < 2:
            assert chief.poll() is None
            time.sleep(0.05)
        assert len(find_processes(folder)) == 2
        chief.kill()
    deadline = time.monotonic() + 10
    while find_processes(folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    kept = read_epochs(folder)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free.getsockname()[1])}
    command = [sys.executable, "-m", worker.__name__, str(folder)]
    workers = [
        subprocess.Popen(command, env=environment | address | {"KERASTUNER_TUNER_ID": name}, stdin=subprocess.DEVNULL)
        for name in ("pod0", "pod1")
    ]
    for name, value in (address | {"KERASTUNER_TUNER_ID": "chief"}).items():
        monkeypatch.setenv(name, value)
    assert_same_search(search_assigned(assignment, folder, workers=1), alone)
    assert_kept(kept, folder)
    assert [process.wait(30) for process in workers] == [0, 0]


def test_kerastuners_variables_have_to_be_complete(
    assignment: Assignment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ValueError, match=r"the environment has KERASTUNER_ORACLE_IP=127.0.0.1; a Trainer needs all of"):
        search_assigned(assignment, tmp_path, workers=1)
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8000")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker1")
    with pytest.raises(ValueError, match="KERASTUNER_TUNER_ID=worker1; a Trainer needs"):
        search_assigned(assignment, tmp_path, workers=1)


def run_worker(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Returns the message that a worker in this process ends with."""
    monkeypatch.setattr(sys, "argv", ["worker.py", *arguments])
    with pytest.raises(SystemExit) as end:
        worker.main()
    return str(end.value.code)


def test_a_worker_rejects_what_it_cannot_work_with(
    assignment: Assignment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_worker(monkeypatch) == "Name the folder of the search: <pipeline root>/search."
    lacking = "This process ends: the environment lacks KERASTUNER_TUNER_ID, "
    assert run_worker(monkeypatch, str(tmp_path)).startswith(lacking)
    for name in (worker.ID, worker.IP, worker.PORT):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(worker.OracleClient, "get_space", lambda _: None)
    state = dataclasses.replace(assignment.config.state, folder=str(tmp_path))
    config = dataclasses.replace(assignment.config, state=state)
    dataclasses.replace(assignment, config=config, state="elsewhere").save(tmp_path)
    assert "data, TensorFlow or Keras are not the Trainer's" in run_worker(monkeypatch, str(tmp_path))
    config = dataclasses.replace(config, state=dataclasses.replace(state, code_digest="another"))
    dataclasses.replace(assignment, config=config).save(tmp_path)
    assert "this process's code is not the Trainer's" in run_worker(monkeypatch, str(tmp_path))
