"""The chief of a search: dead workers, waiting workers, and calls that it rejects."""

import dataclasses
import pathlib
import time
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
import pytest
from keras_tuner.src import protos
from trainings import EpochList, FitterIn

from components.trainer.config import TrainerConfig
from components.trainer.progress import Progress
from components.trainer.search.chief import Chief, WorkerDiedError
from components.trainer.search.halving import HalvingOracle
from components.trainer.search.tuner import StageTuner
from models.search_space import name_point


class Aborted(Exception):
    """A call was rejected."""


class Context:
    """A context of gRPC."""

    def abort(self, code: grpc.StatusCode, words: str) -> None:
        """Rejects the call."""
        raise Aborted(code, words)


class DyingWorkers:
    """One worker, which fetches a trial and dies of it."""

    def __init__(self, chief: Chief, fetches: bool) -> None:
        self.starts = 0
        self._chief = chief
        self._fetches = fetches

    def find_dead(self) -> list[tuple[str, str]]:
        """Finds it dead."""
        return [("worker1", "was ended by SIGKILL")]

    def start(self, name: str) -> None:
        """Starts it again."""
        self.starts += 1
        if self._fetches:
            fetch(self._chief, name)


def fetch(chief: Chief, name: str) -> Any:
    """Fetches a trial as a worker does."""
    request = protos.get_service().CreateTrialRequest(tuner_id=name)
    return keras_tuner.engine.trial.Trial.from_proto(chief.CreateTrial(request, Context()).trial)


def end(chief: Chief, trial: Any) -> None:
    """Ends a trial as a worker does."""
    chief.EndTrial(protos.get_service().EndTrialRequest(trial=trial.to_proto()), Context())


@pytest.fixture
def chief() -> Chief:
    return Chief()


@pytest.fixture
def tuner(config: TrainerConfig, fitter_in: FitterIn, tmp_path: pathlib.Path) -> StageTuner:
    """The first stage of the search by halving; a single rung."""
    search = dataclasses.replace(config.search, max_epochs=1)
    points = config.space().points()[:3]
    return StageTuner(
        stage="search",
        config=dataclasses.replace(config, search=search),
        fitter=fitter_in(tmp_path),
        trials=[],
        progress=Progress([EpochList()]),
        folder=tmp_path,
        oracle=HalvingOracle(points, search),
        directory=str(tmp_path),
    )


def test_a_trial_of_which_three_workers_died_has_failed_and_the_next_one_begins(
    chief: Chief, tuner: StageTuner, config: TrainerConfig
) -> None:
    workers = chief.workers = DyingWorkers(chief, fetches=True)  # type: ignore[assignment]
    chief.begin(tuner)
    fetch(chief, "worker1")
    chief.serve(tuner)
    assert [trial.point for trial in tuner.trials] == [name_point(point) for point in config.space().points()[:3]]
    assert {trial.status for trial in tuner.trials} == {"failed"}
    assert {trial.reason for trial in tuner.trials} == {"its worker was ended by SIGKILL, the last of 3 times"}
    assert workers.starts == 9


def test_workers_that_die_before_any_trial_end_the_search(chief: Chief, tuner: StageTuner) -> None:
    chief.workers = DyingWorkers(chief, fetches=False)  # type: ignore[assignment]
    with pytest.raises(WorkerDiedError, match="worker1 was ended by SIGKILL before any trial, 3 times"):
        chief.serve(tuner)


def test_workers_wait_before_between_and_after_stages_until_the_search_ends(chief: Chief, tuner: StageTuner) -> None:
    assert fetch(chief, "worker1").status == "IDLE"
    chief.begin(tuner)
    trials = [fetch(chief, f"worker{i}") for i in range(3)]
    assert [trial.status for trial in trials] == ["RUNNING"] * 3
    assert fetch(chief, "worker3").status == "IDLE"
    assert not chief.is_idle
    for trial in trials:
        trial.status = "FAILED"
        trial.hyperparameters.values["tuner/reason"] = "out of memory"
        end(chief, trial)
    assert fetch(chief, "worker3").status == "IDLE"
    assert chief.is_idle
    assert [trial.reason for trial in tuner.trials] == ["out of memory"] * 3
    with futures.ThreadPoolExecutor() as other:
        ending = other.submit(chief.end)
        for i in range(4):
            assert not ending.done()  # as long as a worker does not know
            while fetch(chief, f"worker{i}").status == "IDLE":
                time.sleep(0.01)
        ending.result(timeout=10)


def test_epochs_of_a_running_trial_are_logged_from_its_checkpoint(chief: Chief, tuner: StageTuner) -> None:
    [listener] = tuner.progress.listeners
    assert isinstance(listener, EpochList)
    chief.begin(tuner)
    trial = fetch(chief, "worker1")
    tuner.log_running_trials()
    assert listener.logged == []
    network, seed, _ = tuner.read(trial)
    tuner.fitter.fit(network, seed=seed, schedule=tuner.schedule)
    for _ in range(2):
        tuner.log_running_trials()
        assert listener.logged == [(f"{name_point(network)},seed=1", 1)]


def test_a_trial_that_is_not_running_is_rejected(chief: Chief, tuner: StageTuner) -> None:
    chief.begin(tuner)
    trial = fetch(chief, "worker1")
    trial.status = "FAILED"
    other = keras_tuner.engine.trial.Trial(trial.hyperparameters.copy(), trial_id=trial.trial_id, status="FAILED")
    other.hyperparameters.values["tuner/epochs"] = 99
    with pytest.raises(Aborted, match="trial 0000 is not running"):
        end(chief, other)
    end(chief, trial)
    with pytest.raises(Aborted, match="trial 0000 is not running"):
        end(chief, trial)
    assert len(tuner.trials) == 1


def test_a_checkpoint_that_does_not_reach_the_chief_ends_the_search(chief: Chief, tuner: StageTuner) -> None:
    chief.begin(tuner)
    trial = fetch(chief, "worker1")
    tuner.oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5})
    trial.status = "COMPLETED"
    end(chief, trial)
    with pytest.raises(FileNotFoundError, match="holds no whole checkpoint of"):
        chief.raise_error()
