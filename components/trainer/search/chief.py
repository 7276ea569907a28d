"""The chief of a search: serves its oracle to workers through KerasTuner's own protocol, and restarts dead workers."""

import contextlib
import logging
import os
import pathlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from components.trainer.assignment import Assignment
from components.trainer.config import TrainerConfig
from components.trainer.search import worker
from components.trainer.search.proposals import REASON, PlanOracle
from components.trainer.search.tuner import StageTuner
from components.trainer.search.worker import ID, IP, PORT
from components.trainer.search.worker_processes import WorkerProcesses, choose_workers

_MAX_DEATHS = 3  # of workers in one trial, before the trial counts as failed
_POLL_SECONDS = 0.2
_END_SECONDS = 20  # for workers to fetch the end of the search


class WorkerDiedError(Exception):
    """The workers of a search die before their first trial; the message says how they ended."""


class Chief(OracleServicer):
    """Serves one stage of a search after the other; to the workers they are one search."""

    def __init__(self) -> None:
        super().__init__(oracle=PlanOracle([]))
        self.workers: WorkerProcesses | None = None  # None: something else starts the workers
        self.is_idle = True  # there is no stage, or its last trial is recorded
        self._tuner: StageTuner | None = None
        self._has_ended = False
        self._error: Exception | None = None
        self._active = set[str]()  # names of workers that do not know of the end yet
        self._deaths = Counter[tuple[str, str | None]]()  # by worker and trial
        self._lock = threading.RLock()  # the chief ends trials while workers end theirs

    def serve(self, tuner: StageTuner) -> None:
        """Has the workers train what a stage's oracle proposes, until it proposes nothing more.

        Raises:
            WorkerDiedError: If workers die repeatedly without a trial.
            FileNotFoundError: If a worker's checkpoints do not reach this process.
        """
        tuner.oracle.verbose = 0
        tuner.save()
        self.begin(tuner)
        while not self.is_idle:
            time.sleep(_POLL_SECONDS)
            self.raise_error()
            with self._lock:
                tuner.log_running_trials()
            self._restart_dead_workers()

    def begin(self, tuner: StageTuner) -> None:
        """Begins a stage."""
        with self._lock:
            self._tuner, self.oracle, self.is_idle = tuner, tuner.oracle, False

    def raise_error(self) -> None:
        """Raises the error of a worker's call, if there was one."""
        if self._error:
            raise self._error

    def _restart_dead_workers(self) -> None:
        """Restarts dead workers: each continues its trial, unless several have died in it."""
        if self.workers is None:
            return
        for name, end in self.workers.find_dead():
            trial = self.oracle.ongoing_trials.get(name)
            trial_id = trial.trial_id if trial else None
            logging.warning("%s %s with %s; it is restarted", name, end, f"trial {trial_id}" if trial else "no trial")
            self._deaths[name, trial_id] += 1
            if self._deaths[name, trial_id] >= _MAX_DEATHS:
                if trial is None:
                    raise WorkerDiedError(f"{name} {end} before any trial, {_MAX_DEATHS} times; the log has the reason")
                with self._lock:
                    trial.status = "FAILED"
                    trial.hyperparameters.values[REASON] = f"its worker {end}, the last of {_MAX_DEATHS} times"
                    self._end_trial(trial)
            self.workers.start(name)

    def end(self) -> None:
        """Ends the search, and waits for a while until each worker knows."""
        self._has_ended = True
        deadline = time.monotonic() + _END_SECONDS
        while self._active and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def CreateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Returns a trial, IDLE between trials and stages, or STOPPED."""
        self._active.add(request.tuner_id)
        with self._lock:
            if not self.is_idle:
                response = super().CreateTrial(request, context)
                if response.trial.status != keras_tuner.engine.trial.TrialStatus.to_proto("STOPPED"):
                    return response
                self.is_idle = not self.oracle.ongoing_trials
        if self._has_ended:
            self._active.remove(request.tuner_id)
        status = "STOPPED" if self._has_ended else "IDLE"
        empty = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters(), status=status)
        return protos.get_service().CreateTrialResponse(trial=empty.to_proto())

    def EndTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Ends a trial and records it; rejects a worker whose trial has been given to another one."""
        trial = keras_tuner.engine.trial.Trial.from_proto(request.trial)
        with self._lock:
            if not any(_is_same(trial, ongoing) for ongoing in self.oracle.ongoing_trials.values()):
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"trial {trial.trial_id} is not running")
            try:
                self._end_trial(trial)
            except Exception as error:
                self._error = error
        return protos.get_service().EndTrialResponse()

    def _end_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        assert self._tuner
        self.oracle.end_trial(trial)
        reporter = self._tuner.make_reporter(trial)  # before the trial's epochs count as done
        result = self._tuner.record(self.oracle.get_trial(trial.trial_id))
        if result.history:
            reporter.report_epochs(result.history, trained=len(result.history))


def _is_same(trial: keras_tuner.engine.trial.Trial, other: keras_tuner.engine.trial.Trial) -> bool:
    values, others = (each.hyperparameters.values | {REASON: None} for each in (trial, other))
    return trial.trial_id == other.trial_id and values == others


@contextlib.contextmanager
def start_chief(assignment: Assignment, folder: pathlib.Path) -> Iterator[Chief | None]:
    """Starts the workers of a search, if it has any; they end with it.

    Args:
        assignment: Their work. `config.search.workers` of them, or as many as this machine has room for, are processes
            of this machine, unless KerasTuner's environment variables make this process the chief of workers that
            something else starts.
        folder: Gets the assignment; the workers read it there.

    Yields:
        Their chief; None: this process trains by itself.

    Raises:
        ValueError: If KerasTuner's environment variables are incomplete.
    """
    address, workers = _read_address(), assignment.config.search.workers or choose_workers(assignment.config)
    if address is None and workers == 1:
        yield None
        return
    chief = Chief()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))  # one call after the other
    protos.get_service_grpc().add_OracleServicer_to_server(chief, server)
    port = server.add_insecure_port(address or "127.0.0.1:0")
    assignment.save(folder)
    with contextlib.ExitStack() as cleanup:
        server.start()
        cleanup.callback(server.stop, grace=None)
        if address is None:
            chief.workers = cleanup.enter_context(WorkerProcesses(folder, port, workers))
        yield chief
        chief.end()


def count_processes(config: TrainerConfig) -> int:
    """Returns the processes of this machine that read the images: this one, and the workers that it will start."""
    workers = 1 if _read_address() else config.search.workers or choose_workers(config)
    return workers if workers == 1 else workers + 1


def _read_address() -> str | None:
    """Returns where KerasTuner's environment variables want the oracle served; None if they are not set."""
    found = {name: os.environ[name] for name in (IP, PORT, ID) if name in os.environ}
    if not found:
        return None
    if len(found) < 3 or "chief" not in found[ID]:
        raise ValueError(
            f"the environment has {', '.join(f'{name}={value}' for name, value in found.items())}; a Trainer needs "
            f"all of {IP}, {PORT} and {ID}=chief, or none; a worker is started by `python -m {worker.__name__}`"
        )
    return f"{found[IP]}:{found[PORT]}"
