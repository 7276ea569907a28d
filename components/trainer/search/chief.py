"""The chief of a search: serves its oracle to workers by KerasTuner's own protocol, starts them and watches them."""

import contextlib
import logging
import os
import pathlib
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from components.trainer.assignment import Assignment
from components.trainer.progress import LOGGER
from components.trainer.search import proposals, worker
from components.trainer.search.tuner import StageTuner
from components.trainer.search.worker import ID, IP, PORT
from components.trainer.search.worker_processes import Crew

_MOST_DEATHS = 3  # of workers in one trial, before it is given up
_LOOK_SECONDS = 0.2
_END_SECONDS = 20  # for workers, after the last trial


class WorkerDiedError(Exception):
    """The workers of a search do not come to their first trial; the message says how they ended."""


class Chief:
    """Serves one stage of a search after the other; to the workers they are one search.

    Args:
        servicer: Answers the workers.
        crew: Processes that this one has started; None: somebody else starts the workers.
    """

    def __init__(self, servicer: "StageServicer", crew: Crew | None) -> None:
        self._servicer = servicer
        self._crew = crew

    def serve(self, tuner: StageTuner) -> None:
        """Has the workers train what a stage's oracle proposes, until it proposes nothing more.

        Raises:
            WorkerDiedError: If workers die without a trial, time and again.
            FileNotFoundError: If a worker's checkpoints do not reach this process.
        """
        tuner.oracle.verbose = 0
        tuner.save()
        self._servicer.begin(tuner)
        while not self._servicer.is_idle:
            time.sleep(_LOOK_SECONDS)
            self._servicer.raise_error()
            if self._crew:
                self._restart_the_dead(self._crew)

    def _restart_the_dead(self, crew: Crew) -> None:
        """Starts dead workers again: each goes on with its trial, unless others have died of it, too."""
        for name, end in crew.find_dead():
            trial = self._servicer.find_trial(name)
            told = f"trial {trial.trial_id}" if trial else "no trial"
            logging.warning("%s %s with %s; it is started again", name, end, told)
            if crew.count_deaths(name, trial.trial_id if trial else None) >= _MOST_DEATHS:
                if trial is None:
                    raise WorkerDiedError(f"{name} {end} before any trial, {_MOST_DEATHS} times; the log tells why")
                self._servicer.give_up(trial, f"its worker {end}, the last of {_MOST_DEATHS} times")
            crew.start(name)


@contextlib.contextmanager
def start_chief(assignment: Assignment, folder: pathlib.Path) -> Iterator[Chief | None]:
    """Starts the workers of a search, if it has any; they end with it.

    Args:
        assignment: What they are told; `config.search.workers` of them are processes of this machine, unless
            KerasTuner's variables name this process the chief of workers that somebody else starts.
        folder: Where they find it.

    Yields:
        Their chief; None: this process is to train by itself.

    Raises:
        ValueError: If KerasTuner's variables make no sense.
    """
    address, workers = _read_address(), assignment.config.search.workers
    if address is None and workers == 1:
        yield None
        return
    servicer = StageServicer()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))  # one question after the other
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    port = server.add_insecure_port(address or "127.0.0.1:0")
    assignment.save(folder)
    server.start()
    crew = None if address else Crew(folder, port, workers, servicer.report)
    try:
        yield Chief(servicer, crew)
        servicer.end()
        if crew:
            crew.wait()
    finally:
        if crew:
            crew.kill()
        server.stop(grace=None)


def _read_address() -> str | None:
    """Returns where KerasTuner's variables want the oracle served; None if they are not set."""
    told = {name: os.environ[name] for name in (IP, PORT, ID) if name in os.environ}
    if not told:
        return None
    if len(told) < 3 or "chief" not in told[ID]:
        raise ValueError(
            f"the environment has {', '.join(f'{name}={value}' for name, value in told.items())}; a Trainer needs "
            f"all of {IP}, {PORT} and {ID}=chief, or none; a worker is started by `python -m {worker.__name__}`"
        )
    return f"{told[IP]}:{told[PORT]}"


class StageServicer(OracleServicer):
    """KerasTuner's own, with one oracle after the other; workers are told to stop behind the last one."""

    def __init__(self) -> None:
        super().__init__(oracle=None)
        self.is_idle = True  # no stage, or its last trial is recorded
        self._tuner: StageTuner | None = None
        self._has_ended = False
        self._error: Exception | None = None
        self._askers = set[str]()  # names of workers that have not been told to stop
        self._epochs: dict[str, float] = {}  # that workers have trained of the trials they are busy with
        self._share = 0.0
        self._lock = threading.RLock()  # the chief gives trials up while workers end theirs

    def begin(self, tuner: StageTuner) -> None:
        """Begins a stage."""
        with self._lock:
            self._tuner, self.oracle, self.is_idle = tuner, tuner.oracle, False

    def end(self) -> None:
        """Lets the workers stop, and waits until each of them has heard of it, but not long."""
        self._has_ended = True
        deadline = time.monotonic() + _END_SECONDS
        while self._askers and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def raise_error(self) -> None:
        """Raises what went wrong while a worker was answered."""
        if self._error:
            raise self._error

    def report(self, name: str, progress: dict[str, Any]) -> None:
        """Passes a worker's progress on, with its share of the whole step."""
        tuner = self._tuner
        if tuner is None:
            return
        is_over = progress["epoch_has_ended"] and progress["epoch"] == progress["epochs"]
        self._epochs[name] = 0.0 if is_over else progress["share"]  # those of a trial that is over, the tuner counts
        share = (tuner.epochs_done + sum(self._epochs.values())) / max(tuner.epochs_in_step, tuner.epochs_done + 1)
        self._share = max(self._share, min(share, 1.0))
        LOGGER.info("%s: %s", name, progress["phase"], extra={"progress": {**progress, "share": self._share}})

    def find_trial(self, tuner_id: str) -> keras_tuner.engine.trial.Trial | None:
        """Returns what a worker is busy with."""
        return self.oracle.ongoing_trials.get(tuner_id) if self.oracle else None

    def give_up(self, trial: keras_tuner.engine.trial.Trial, reason: str) -> None:
        """Ends a trial that no worker will end."""
        with self._lock:
            trial.status = "FAILED"
            trial.hyperparameters.values[proposals.REASON] = reason
            self._end(trial)

    def CreateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Answers with a trial, IDLE between trials and stages, or STOPPED."""
        self._askers.add(request.tuner_id)
        with self._lock:
            if not self.is_idle:
                answer = super().CreateTrial(request, context)
                if answer.trial.status != _status("STOPPED"):
                    return answer
                self.is_idle = not self.oracle.ongoing_trials
        status = "STOPPED" if self._has_ended else "IDLE"
        if self._has_ended:
            self._askers.remove(request.tuner_id)
        empty = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters(), status=status)
        return protos.get_service().CreateTrialResponse(trial=empty.to_proto())

    def EndTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Ends a trial and records it; a worker that another one's place was given to is turned away."""
        trial = keras_tuner.engine.trial.Trial.from_proto(request.trial)
        with self._lock:
            ongoing = {each.trial_id: each for each in self.oracle.ongoing_trials.values()} if self.oracle else {}
            if trial.trial_id not in ongoing or not _is_same(trial, ongoing[trial.trial_id]):
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"nobody waits for trial {trial.trial_id}")
            try:
                self._end(trial)
            except Exception as error:
                self._error = error
        return protos.get_service().EndTrialResponse()

    def _end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        assert self._tuner
        self.oracle.end_trial(trial)
        self._tuner.record(self.oracle.get_trial(trial.trial_id))


def _status(name: str) -> Any:
    return keras_tuner.engine.trial.TrialStatus.to_proto(name)


def _is_same(trial: keras_tuner.engine.trial.Trial, other: keras_tuner.engine.trial.Trial) -> bool:
    values, others = (
        {name: value for name, value in each.hyperparameters.values.items() if name != proposals.REASON}
        for each in (trial, other)
    )
    return values == others
