"""What the chief of a search does with workers that die, and with answers that nobody waits for."""

import dataclasses
import pathlib
import time
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
import pytest
from keras_tuner.src import protos
from trainings import FitterIn

from components.trainer.config import TrainerConfig
from components.trainer.search.chief import Chief, StageServicer, WorkerDiedError
from components.trainer.search.halving import HalvingOracle
from components.trainer.search.tuner import StageTuner
from models.search_space import name_point


class Aborted(Exception):
    """A question was turned away."""


class Context:
    """What gRPC gives a servicer."""

    def abort(self, code: grpc.StatusCode, words: str) -> None:
        """Ends the question."""
        raise Aborted(code, words)


class DyingCrew:
    """One worker, which asks for a trial and dies of it."""

    def __init__(self, servicer: StageServicer, asks: bool = True) -> None:
        self.starts = 0
        self._servicer = servicer
        self._asks = asks
        self._deaths: dict[str | None, int] = {}

    def find_dead(self) -> list[tuple[str, str]]:
        """Finds it dead."""
        return [("worker1", "was ended by SIGKILL")]

    def count_deaths(self, _name: str, trial_id: str | None) -> int:
        """Counts."""
        self._deaths[trial_id] = self._deaths.get(trial_id, 0) + 1
        return self._deaths[trial_id]

    def start(self, name: str) -> None:
        """Starts it again."""
        self.starts += 1
        if self._asks:
            ask(self._servicer, name)


def ask(servicer: StageServicer, name: str) -> Any:
    """Asks for a trial as a worker does."""
    request = protos.get_service().CreateTrialRequest(tuner_id=name)
    return keras_tuner.engine.trial.Trial.from_proto(servicer.CreateTrial(request, Context()).trial)


def end(servicer: StageServicer, trial: Any) -> None:
    """Ends a trial as a worker does."""
    servicer.EndTrial(protos.get_service().EndTrialRequest(trial=trial.to_proto()), Context())


@pytest.fixture
def tuner(config: TrainerConfig, fitter_in: FitterIn, tmp_path: pathlib.Path) -> StageTuner:
    """The first stage of the search by halving; a single rung."""
    search = dataclasses.replace(config.search, max_epochs=1)
    points = config.space().points()[:3]
    return StageTuner(
        stage="search",
        config=dataclasses.replace(config, search=search),
        fitter=fitter_in(tmp_path),
        epochs_before=0,
        epochs_in_step=3,
        folder=tmp_path,
        trainings={},
        oracle=HalvingOracle(points, search),
        directory=str(tmp_path),
    )


def test_a_trial_of_which_three_workers_died_has_failed_and_the_next_one_begins(
    tuner: StageTuner, config: TrainerConfig
) -> None:
    servicer = StageServicer()
    crew = DyingCrew(servicer)
    servicer.begin(tuner)
    ask(servicer, "worker1")
    Chief(servicer, crew).serve(tuner)  # type: ignore[arg-type]
    assert [trial.point for trial in tuner.results] == [name_point(point) for point in config.space().points()[:3]]
    assert {trial.status for trial in tuner.results} == {"failed"}
    assert {trial.reason for trial in tuner.results} == {"its worker was ended by SIGKILL, the last of 3 times"}
    assert crew.starts == 9


def test_workers_that_die_before_any_trial_end_the_search(tuner: StageTuner) -> None:
    servicer = StageServicer()
    crew = DyingCrew(servicer, asks=False)
    with pytest.raises(WorkerDiedError, match="worker1 was ended by SIGKILL before any trial, 3 times"):
        Chief(servicer, crew).serve(tuner)  # type: ignore[arg-type]


def test_workers_wait_before_between_and_behind_stages_until_there_is_nothing_more(tuner: StageTuner) -> None:
    servicer = StageServicer()
    assert ask(servicer, "worker1").status == "IDLE"
    servicer.begin(tuner)
    trials = [ask(servicer, f"worker{i}") for i in range(3)]
    assert [trial.status for trial in trials] == ["RUNNING"] * 3
    assert ask(servicer, "worker3").status == "IDLE"
    assert not servicer.is_idle
    for trial in trials:
        trial.status = "FAILED"
        trial.hyperparameters.values["tuner/reason"] = "out of memory"
        end(servicer, trial)
    assert ask(servicer, "worker3").status == "IDLE"
    assert servicer.is_idle
    assert [trial.reason for trial in tuner.results] == ["out of memory"] * 3
    with futures.ThreadPoolExecutor() as other:
        ending = other.submit(servicer.end)
        for i in range(4):
            assert not ending.done()  # as long as somebody has not heard of it
            while ask(servicer, f"worker{i}").status == "IDLE":
                time.sleep(0.01)
        ending.result(timeout=10)


def test_a_trial_that_nobody_waits_for_is_turned_away(tuner: StageTuner) -> None:
    servicer = StageServicer()
    servicer.begin(tuner)
    trial = ask(servicer, "worker1")
    trial.status = "FAILED"
    other = keras_tuner.engine.trial.Trial(trial.hyperparameters.copy(), trial_id=trial.trial_id, status="FAILED")
    other.hyperparameters.values["tuner/epochs"] = 99
    with pytest.raises(Aborted, match="nobody waits for trial 0000"):
        end(servicer, other)
    end(servicer, trial)
    with pytest.raises(Aborted, match="nobody waits for trial 0000"):
        end(servicer, trial)
    assert len(tuner.results) == 1


def test_a_checkpoint_that_does_not_reach_the_chief_ends_the_search(tuner: StageTuner) -> None:
    servicer = StageServicer()
    servicer.begin(tuner)
    trial = ask(servicer, "worker1")
    tuner.oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5})
    trial.status = "COMPLETED"
    end(servicer, trial)
    with pytest.raises(FileNotFoundError, match="holds no whole checkpoint of"):
        servicer.raise_error()
