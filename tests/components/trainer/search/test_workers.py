"""A search by several processes: it finds what one finds, whoever is killed."""

import dataclasses
import logging
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from search_ground import Ground, find_processes
from trainings import Searched, describe, without_seconds

from components.artifacts.trial import Trial
from components.trainer.search import worker, worker_processes
from components.trainer.search.worker_processes import make_variables, share_threads


@pytest.fixture(scope="module")
def alone(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """The search by one process."""
    return ground.search(tmp_path_factory.mktemp("alone"), workers=1)


def assert_same_search(together: Searched, alone: Searched) -> None:
    """Asserts that a search tried, found and chose what the other did; which trial ended first is of no account."""
    tried, expected = (
        sorted(without_seconds(searched.search.trials), key=lambda trial: (trial.stage, str(trial.trial_id)))
        for searched in (together, alone)
    )
    assert tried == expected
    assert describe(together.choice) == describe(alone.choice)


def test_two_workers_find_what_one_process_finds_though_one_of_them_is_killed(
    ground: Ground,
    alone: Searched,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With as many threads as this process has: a sum over other shares rounds differently."""
    monkeypatch.setattr(worker_processes, "share_threads", lambda _: share_threads(1))
    killed: list[int] = []

    def kill_once(report: dict[str, Any]) -> None:
        if not killed and not report["epoch_has_ended"]:
            victim = find_processes(worker.__name__, tmp_path)[0]
            killed.append(victim.pid)
            victim.kill()

    caplog.set_level(logging.WARNING)
    together = ground.search(tmp_path, workers=2, listen=kill_once)
    assert_same_search(together, alone)
    assert len(killed) == 1
    assert len([record for record in caplog.records if "was ended by SIGKILL" in record.getMessage()]) == 1
    ended = Counter((report["phase"], report["epoch"]) for report in together.reports if report["epoch_has_ended"])
    assert max(ended.values()) == 1  # no epoch that had ended was trained again
    shares = [report["share"] for report in together.reports]
    assert shares == sorted(shares)
    assert find_processes(worker.__name__, tmp_path) == []


_CHIEF = """
import pathlib, sys
from components.trainer.search import worker_processes
from search_ground import Ground
worker_processes.share_threads = lambda _, share=worker_processes.share_threads: share(1)
Ground.load(pathlib.Path(sys.argv[1])).search(pathlib.Path(sys.argv[2]), workers=2)
"""


def list_epochs(trials: list[Trial]) -> set[tuple[str, int, int]]:
    """Lists what trials trained: point, seed, epoch."""
    return {(trial.point, trial.seed, epoch.epoch) for trial in trials for epoch in trial.history}


def test_workers_fill_the_cores_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [share_threads(workers) for workers in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    variables = make_variables(port=8000, threads=2)
    assert {variables["TF_NUM_INTRAOP_THREADS"], variables["OMP_NUM_THREADS"]} == {"2"}


@pytest.mark.slow
def test_workers_end_with_a_killed_chief_and_the_next_search_goes_on(
    ground: Ground, alone: Searched, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_processes, "share_threads", lambda _: share_threads(1))
    ground.save(tmp_path / "ground.json")
    folder = tmp_path / "search"
    folder.mkdir()
    command = [sys.executable, "-c", _CHIEF, str(tmp_path / "ground.json"), str(folder)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) as chief:
        while len(list(folder.glob("*/*.checkpoint"))) < 2:
            assert chief.poll() is None
            time.sleep(0.05)
        assert len(find_processes(worker.__name__, folder)) == 2
        chief.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while find_processes(worker.__name__, folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again = ground.search(folder, workers=2)
    assert_same_search(again, alone)
    trained = {(report["phase"], report["epoch"]) for report in again.reports if report["epoch_has_ended"]}
    assert 0 < len(trained) < len(list_epochs(alone.search.trials))


@pytest.mark.slow
def test_workers_that_somebody_else_starts_find_the_chief_by_kerastuners_variables(
    ground: Ground, alone: Searched, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    environment = os.environ | address | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", worker.__name__, str(tmp_path)]
    workers = [
        subprocess.Popen(command, env=environment | {"KERASTUNER_TUNER_ID": f"pod{number}"}, stdin=subprocess.DEVNULL)
        for number in range(2)
    ]
    for name, value in (address | {"KERASTUNER_TUNER_ID": "chief"}).items():
        monkeypatch.setenv(name, value)
    together = ground.search(tmp_path, workers=1)
    assert_same_search(together, alone)
    assert together.reports == []  # workers elsewhere tell of themselves where they are
    assert [process.wait(30) for process in workers] == [0, 0]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"IP": "127.0.0.1"}, "the environment has KERASTUNER_ORACLE_IP=127.0.0.1; a Trainer needs all of"),
        ({"IP": "127.0.0.1", "PORT": "8000", "ID": "worker1"}, "KERASTUNER_TUNER_ID=worker1; a Trainer needs"),
    ],
)
def test_kerastuners_variables_have_to_make_sense(
    variables: dict[str, str], words: str, ground: Ground, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"IP": "KERASTUNER_ORACLE_IP", "PORT": "KERASTUNER_ORACLE_PORT", "ID": "KERASTUNER_TUNER_ID"}
    for name, value in variables.items():
        monkeypatch.setenv(names[name], value)
    with pytest.raises(ValueError, match=words):
        ground.search(tmp_path, workers=1)


def test_a_worker_with_other_code_does_not_train_for_this_search(ground: Ground, tmp_path: pathlib.Path) -> None:
    with ground.open(tmp_path) as (assignment, _):
        state = dataclasses.replace(assignment.config.state, code_digest="another")
        other = dataclasses.replace(assignment, config=dataclasses.replace(assignment.config, state=state))
        with pytest.raises(ValueError, match="this process's code is not the Trainer's"), worker.open_fitter(other):
            pass


def test_a_worker_needs_a_folder_and_kerastuners_variables(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_report_progress", lambda: None)
    monkeypatch.setattr(sys, "argv", ["worker.py"])
    with pytest.raises(SystemExit, match="Name the folder of the search: <pipeline root>/search"):
        worker.main()
    monkeypatch.setattr(sys, "argv", ["worker.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^This process ends: the environment lacks KERASTUNER_TUNER_ID, "):
        worker.main()
