"""Processes that train one network together: they find what one finds, and tell in a sentence when one is lost."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from search_ground import Ground, find_processes
from trainings import listening, train_up_to

from components.trainer import child
from components.trainer.config import TrainerConfig
from components.trainer.fit import cluster, member, orders, team
from components.trainer.fit.cluster import read_cluster, require_first
from components.trainer.fit.fitter import TrainingFailedError
from components.trainer.fit.orders import Order
from components.trainer.fit.sharing import open_fitter
from components.trainer.fit.team import TeamFitter, TeamLostError
from models.vit_config import ViTConfig

_NOISE = 1e-4  # share of a loss


def make_variable(ports: list[int], index: int) -> str:
    """Returns the value of TF_CONFIG for a process of this machine."""
    workers = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two that are free; this process is the first member."""
    with contextlib.ExitStack() as sockets:
        found = []
        for _ in range(2):
            free = sockets.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            found.append(free.getsockname()[1])
    monkeypatch.setenv(cluster.VARIABLE, make_variable(found, 0))
    return found


@contextlib.contextmanager
def start_member(folder: pathlib.Path, ports: list[int]) -> Iterator["subprocess.Popen[bytes]"]:
    """Starts the second member of a team, as somebody does on another machine."""
    process = subprocess.Popen(
        [sys.executable, "-m", member.__name__, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), cluster.VARIABLE: make_variable(ports, 1)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def network(ground: Ground) -> ViTConfig:
    """Without random numbers and without batch norm: nothing that depends on how a batch is shared out."""
    return ground.config.trunk


@pytest.fixture(scope="module")
def shared(ground: Ground) -> Ground:
    """For a team."""
    fit = dataclasses.replace(ground.config.fit, strategy="multi_worker")
    return dataclasses.replace(ground, config=dataclasses.replace(ground.config, fit=fit))


def test_two_processes_train_what_one_does_until_one_is_lost_and_what_they_left_goes_on(
    ground: Ground, shared: Ground, network: ViTConfig, ports: list[int], tmp_path: pathlib.Path
) -> None:
    """What differs is the order of sums, which Adam makes the more of, the smaller a gradient is."""
    (tmp_path / "alone").mkdir()
    with ground.open(tmp_path / "alone") as (_, fitter):
        alone = train_up_to(fitter, network, 3)
        with start_member(tmp_path, ports) as other:

            def kill(report: dict[str, Any]) -> None:
                if report["epoch_has_ended"]:
                    other.kill()

            with shared.open(tmp_path) as (_, team_fitter), listening(kill), pytest.raises(TeamLostError) as lost:
                train_up_to(team_fitter, network, 3)
        assert re.match(r"the first member of the team (was )?ended .*, as all do when one does", str(lost.value))
        assert find_processes(member.__name__, tmp_path) == []

        fitter.folder = team_fitter.folder
        with listening() as reports:
            together = train_up_to(fitter, network, 3)
    assert 1 <= len({report["epoch"] for report in reports if report["epoch_has_ended"]}) < 3  # one at least was there
    for losses in ("train_loss", "valid_loss"):
        found, expected = ([getattr(epoch, losses) for epoch in each.epochs] for each in (together, alone))
        np.testing.assert_allclose(found, expected, rtol=_NOISE, atol=0)
    np.testing.assert_allclose(together.correct.mean(axis=1), alone.correct.mean(axis=1), atol=0.05)  # one of 20


@pytest.mark.slow
def test_a_member_whose_work_is_done_ends(shared: Ground, ports: list[int], tmp_path: pathlib.Path) -> None:
    with start_member(tmp_path, ports) as other:
        with shared.open(tmp_path):
            while not cluster.answers(f"127.0.0.1:{ports[1]}"):
                assert other.poll() is None
                time.sleep(0.1)
        assert other.wait(60) == 0
    assert find_processes(member.__name__, tmp_path) == []


@pytest.mark.parametrize("somebody_waits", [True, False])
def test_who_waits_for_work_is_dismissed_though_there_was_none(
    somebody_waits: bool, shared: Ground, ports: list[int], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow's members begin together: the second one is let go by a first one that begins for that alone."""
    started: list[tuple[Any, ...]] = []

    def start(*arguments: Any) -> "subprocess.Popen[str]":
        started.append(arguments)
        return subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, text=True)

    monkeypatch.setattr(child, "start", start)
    with socket.socket() as second, shared.open(tmp_path):
        second.bind(("127.0.0.1", ports[1]))
        if somebody_waits:
            second.listen()
    assert started == ([(member.__name__, tmp_path, {})] if somebody_waits else [])
    if somebody_waits:
        assert list(orders.follow(tmp_path)) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "fit.strategy is multi_worker, but TF_CONFIG is not set"),
        ("{", "TF_CONFIG is {; it must be JSON such as"),
        ('{"cluster": {"worker": ["a:1"]}}', "it must be JSON such as"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "its task be one of these"),
        (
            '{"cluster": {"ps": ["b:1"], "worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}',
            "chief and worker only",
        ),
        ('{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}', "as lists of host:port"),
        ('{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}', "as lists of host:port"),
        (make_variable([1, 2], 1), "the pipeline runs in the first member's place, and the others are started by"),
    ],
)
def test_tf_config_has_to_give_this_process_the_first_place(
    told: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cluster.VARIABLE, raising=False)
    if told is not None:
        monkeypatch.setenv(cluster.VARIABLE, told)
    with pytest.raises(ValueError, match=re.escape(words)):
        require_first()


def test_a_chief_comes_before_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"chief": ["a:1"], "worker": ["b:1"]}
    found = {}
    for kind in members:
        told = {"cluster": members, "task": {"type": kind, "index": 0}}
        monkeypatch.setenv(cluster.VARIABLE, json.dumps(told))
        found[kind] = read_cluster()
    assert [found[kind].is_first for kind in members] == [True, False]
    assert {each.addresses for each in found.values()} == {("a:1", "b:1")}


def test_whoever_waits_for_orders_sees_that_nobody_gives_them_any_more(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_LOOK_SECONDS", 0.01)
    orders.begin(tmp_path)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"whoever writes orders to {tmp_path / orders.FILE} has gone"):
            next(orders.follow(tmp_path, lambda: not cluster.answers(address)))
        nobody.listen()
        assert cluster.answers(address)


def test_whoever_goes_lets_the_team_go_first(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_LOOK_SECONDS", 0.01)
    orders.begin(tmp_path)

    def goes() -> bool:
        orders.give(None, tmp_path)
        return True

    assert list(orders.follow(tmp_path, goes)) == []


def test_a_run_says_for_whom_it_waits(
    shared: Ground, network: ViTConfig, ports: list[int], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "_GATHER_SECONDS", 0)
    waits: list[str] = []
    monkeypatch.setattr(team, "tell_waiting", waits.append)
    missing = f"127.0.0.1:{ports[1]}: `python -m {member.__name__} {tmp_path}` has to run there"
    with shared.open(tmp_path) as (_, fitter), pytest.raises(TeamLostError) as lost:
        train_up_to(fitter, network, 1)
    assert str(lost.value) == f"no member answers at {missing}, with the same TF_CONFIG"
    assert waits == [f"the member at {missing}"]
    assert find_processes(member.__name__, tmp_path) == []


_EPOCH = {"phase": "trial 1", "epoch": 1, "epochs": 2}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ([_EPOCH, {"failure": None}], None),
        ([_EPOCH, {"failure": "the loss is nan"}], TrainingFailedError("the loss is nan")),
        (
            [_EPOCH, {"error": "trial 1 (OSError: no memory)"}],
            TeamLostError(
                "the first member of the team ended with exit code 3 in trial 1 (OSError: no memory), as all do when "
                "one does; the log tells why. Start the others again, and this run: it goes on from the last epoch"
            ),
        ),
    ],
)
def test_what_the_first_member_tells_is_passed_on(told: list[dict[str, Any]], error: Exception | None) -> None:
    script = f"import sys; print({chr(10).join(map(json.dumps, told))!r}, flush=True); sys.exit(3)"
    with (
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as first,
        listening() as reports,
    ):
        if error:
            with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
                TeamFitter._listen(first)
        else:
            TeamFitter._listen(first)
    assert reports == [_EPOCH]


def test_a_member_that_is_to_be_the_first_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    variable = make_variable([1, 2], 0)
    monkeypatch.setenv(cluster.VARIABLE, variable)
    monkeypatch.setattr(sys, "argv", ["member.py", str(tmp_path)])
    monkeypatch.setattr(child, "tell_progress", lambda: None)
    with pytest.raises(SystemExit) as end:
        child.run(member.work)
    assert end.value.code == (
        f"This process ends: TF_CONFIG is {variable}; the pipeline starts the first member, so this one needs another "
        "index."
    )


def test_a_child_needs_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["member.py"])
    with pytest.raises(SystemExit, match="Name the folder of the search: <pipeline root>/search"):
        child.run(member.work)


def test_a_process_with_other_code_does_not_train_for_this_one(ground: Ground, tmp_path: pathlib.Path) -> None:
    with ground.open(tmp_path) as (assignment, _):
        state = dataclasses.replace(assignment.config.state, code_digest="another")
        other = dataclasses.replace(assignment, config=dataclasses.replace(assignment.config, state=state))
        with pytest.raises(ValueError, match="this process's code is not the Trainer's"), open_fitter(other):
            pass


def test_orders_are_read_as_they_are_given(config: TrainerConfig, tmp_path: pathlib.Path) -> None:
    order = Order(
        network=config.trunk,
        seed=1,
        epochs=2,
        schedule_epochs=3,
        epochs_done=0,
        phase="trial 1",
        epochs_before=0,
        epochs_in_step=9,
    )
    (tmp_path / "aside").mkdir()
    orders.give(order, tmp_path)
    orders.begin(tmp_path)  # what an earlier team was told is gone
    read = orders.follow(tmp_path)
    orders.give(order, tmp_path)
    assert next(read) == order
    later = dataclasses.replace(order, seed=2)
    orders.give(later, tmp_path / "aside")
    whole = (tmp_path / "aside" / orders.FILE).read_bytes()
    _append(whole[:20], tmp_path)  # half of a line, as a shared folder may show it
    threading.Timer(0.3, _append, (whole[20:], tmp_path)).start()
    assert next(read) == later
    orders.give(None, tmp_path)
    assert list(read) == []


def _append(content: bytes, folder: pathlib.Path) -> None:
    with (folder / orders.FILE).open("ab") as file:
        file.write(content)
