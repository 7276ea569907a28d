"""A simulated search: time passes as it must, and the oracles propose what they propose."""

import dataclasses
import pathlib

import pytest

from benchmarks.simulated_search import Clockwork, simulate
from benchmarks.workers import make_space
from components.trainer.search.halving import plan_rungs
from components.trainer.search.search import plan_epochs
from pipeline.config import QUICK


@pytest.fixture(scope="module")
def clockwork() -> Clockwork:
    """Fifty-one points, whose epochs take 10 or 20 seconds."""
    return Clockwork(make_space(2), [10.0, 20.0])


def test_one_worker_is_never_idle_and_halving_trains_as_planned(clockwork: Clockwork, tmp_path: pathlib.Path) -> None:
    outcome = simulate(clockwork, QUICK.search, 1, tmp_path)
    assert outcome.seconds == pytest.approx(outcome.busy_seconds)
    assert outcome.epochs == plan_epochs(51, QUICK.search)
    assert outcome.trials == sum(rung.points for rung in plan_rungs(51, QUICK.search))
    assert 10 * 0.9 < outcome.seconds / outcome.epochs < 20 * 1.1


def test_more_workers_train_the_same_sooner_and_wait_more(clockwork: Clockwork, tmp_path: pathlib.Path) -> None:
    outcomes = {
        workers: simulate(clockwork, QUICK.search, workers, tmp_path / str(workers)) for workers in (1, 4, 51, 60)
    }
    assert len({(outcome.epochs, outcome.trials) for outcome in outcomes.values()}) == 1
    assert outcomes[1].seconds > outcomes[4].seconds > outcomes[51].seconds == outcomes[60].seconds
    shares = [1 - outcome.busy_seconds / (workers * outcome.seconds) for workers, outcome in outcomes.items()]
    assert shares == sorted(shares)
    assert all(outcome.seconds >= outcome.busy_seconds / workers for workers, outcome in outcomes.items())


def test_async_halving_trains_more_and_many_workers_wait_less(tmp_path: pathlib.Path) -> None:
    clockwork = Clockwork(make_space(5), [10.0, 20.0])
    config = dataclasses.replace(QUICK.search, tuner="async_halving")
    sync, asynchronous = (simulate(clockwork, each, 32, tmp_path / each.tuner) for each in (QUICK.search, config))
    assert asynchronous.epochs > sync.epochs
    assert asynchronous.busy_seconds / asynchronous.seconds > sync.busy_seconds / sync.seconds
