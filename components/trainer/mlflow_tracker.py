"""Optional tracking by an MLflow server, which neither delays nor ends a run."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any

from components.artifacts.epoch import Epoch
from components.trainer.config import TrainerConfig
from components.trainer.listener import Listener, Training
from components.trainer.progress import LOGGER

# Its address. A variable, not a parameter of the Trainer: tracking changes no result, so the cache must not notice it.
URI_VARIABLE = "TOKENLEARNER_MLFLOW"

_EXPERIMENT = "tokenlearner"  # unless MLflow's variable MLFLOW_EXPERIMENT_NAME is set
_KEY = "tokenlearner.key"  # tag by which a resumed search finds its run
_PARENT = "mlflow.parentRunId"  # MLflow's tag of nested runs
_MOST_RUNS = 50_000  # that MLflow returns at once
_SETTINGS = {  # of MLflow, unless they are set; seconds, and without reports to its makers
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_END_SECONDS = 60  # for what is not sent yet at the end
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "skipped": "KILLED"}


def _send_later(method: Callable[..., None]) -> Callable[..., Any]:
    """Makes a method return at once; the tracker's thread runs it, unless an earlier one has failed."""

    @functools.wraps(method)
    def submit(self: "MlflowTracker", *arguments: Any) -> futures.Future[None]:
        return self.thread.submit(self.attempt, method, *arguments)

    return submit


class MlflowTracker(Listener):
    """Logs a search as a run with a nested run for each training, from a thread of its own; a context manager.

    The runs of an earlier process with the same key are continued: a resumed search logs nothing twice. The first error
    is a warning, after which nothing more is sent.

    Args:
        uri: Of the server.
        key: Identifies the search.
        name: Of its run.
        settings: Parameters of its run.
    """

    def __init__(self, uri: str, key: str, name: str, settings: Mapping[str, Any]) -> None:
        for variable, value in _SETTINGS.items():
            os.environ.setdefault(variable, value)
        self.thread = futures.ThreadPoolExecutor(max_workers=1)
        self._uri = uri
        self._has_failed = False
        self._runs: dict[str, tuple[str, int]] = {}  # id and last epoch of each nested run, by training
        self._begin(key, name, settings)

    def __enter__(self) -> "MlflowTracker":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """Ends the run of the search; waits a while for what is not sent yet."""
        try:
            self._end("failed" if error else "completed").result(timeout=_END_SECONDS)
        except futures.TimeoutError:
            self._fail(f"not all was sent within {_END_SECONDS} seconds")
        self.thread.shutdown(wait=False, cancel_futures=True)

    def attempt(self, method: Callable[..., None], *arguments: Any) -> None:
        """Calls a method in the thread."""
        if not self._has_failed:
            try:
                method(self, *arguments)
            except Exception as error:
                self._fail(f"{type(error).__name__}: {error}".splitlines()[0])

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            LOGGER.warning("Tracking at %s stopped; the run continues (%s)", self._uri, reason)

    @_send_later
    def _begin(self, key: str, name: str, settings: Mapping[str, Any]) -> None:
        from mlflow import MlflowClient, entities  # takes seconds

        self._client, self._entities = MlflowClient(self._uri), entities
        group = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        experiment = self._client.get_experiment_by_name(group)
        self._experiment = experiment.experiment_id if experiment else self._client.create_experiment(group)
        if found := self._client.search_runs([self._experiment], f"tags.`{_KEY}` = '{key}'"):
            self._search = found[0].info.run_id
            self._client.update_run(self._search, status="RUNNING")
            nested = f"tags.`{_PARENT}` = '{self._search}'"
            for run in self._client.search_runs([self._experiment], nested, max_results=_MOST_RUNS):
                self._runs[run.info.run_name] = (run.info.run_id, int(run.data.metrics.get("epoch", 0)))
        else:
            self._search = self._create_run(name, settings, {_KEY: key})

    @_send_later
    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        """Sends metrics."""
        run, logged = self._find(training)
        self._log_metrics(run, {epoch.epoch: dataclasses.asdict(epoch) for epoch in epochs if epoch.epoch > logged})

    @_send_later
    def end_training(self, training: Training, result: Mapping[str, Any]) -> None:
        """Ends a nested run, with the result as an artifact."""
        run, _ = self._find(training)
        self._client.log_dict(run, dict(result), f"result-epoch-{result['epochs']}.json")
        self._client.set_terminated(run, _STATUS[result["status"]])

    @_send_later
    def end_search(self, winner: str, metrics: Mapping[str, float], folder: pathlib.Path) -> None:
        """Sends the outcome to the run of the search."""
        self._client.set_tag(self._search, "winner", winner)
        self._log_metrics(self._search, {0: metrics})
        for file in filter(pathlib.Path.is_file, folder.iterdir()):
            self._client.log_artifact(self._search, str(file))

    @_send_later
    def _end(self, status: str) -> None:
        self._client.set_terminated(self._search, _STATUS[status])

    def _find(self, training: Training) -> tuple[str, int]:
        if training.name not in self._runs:
            run = self._create_run(training.name, training.settings, {_PARENT: self._search})
            self._runs[training.name] = (run, 0)
        return self._runs[training.name]

    def _create_run(self, name: str, settings: Mapping[str, Any], tags: dict[str, str]) -> str:
        run: str = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
        params = [self._entities.Param(field, str(value)) for field, value in settings.items()]
        self._client.log_batch(run, params=params)
        return run

    def _log_metrics(self, run: str, metrics: Mapping[int, Mapping[str, float]]) -> None:
        now, metric = int(1000 * time.time()), self._entities.Metric
        steps = [metric(name, value, now, step) for step, values in metrics.items() for name, value in values.items()]
        self._client.log_batch(run, metrics=steps)


@contextlib.contextmanager
def track(config: TrainerConfig, state: pathlib.Path) -> Iterator[list[Listener]]:
    """Tracks a search, if the environment names a server.

    Args:
        config: Of the Trainer.
        state: The folder of its trainings. Searches with other settings in the same folder are other runs.

    Yields:
        The tracker, if there is one.
    """
    uri = os.environ.get(URI_VARIABLE)
    if not uri:
        yield []
        return
    search = dataclasses.replace(config.search, workers=None, max_minutes=None)  # a resumed search may have others
    parts = {"backbone": config.backbone, "search": search, "fit": config.fit}
    settings = {f"{part}.{name}": value for part in parts for name, value in vars(parts[part]).items()}
    key = hashlib.sha256(json.dumps([str(state), settings]).encode()).hexdigest()[:16]
    with MlflowTracker(uri, key, pathlib.Path(config.state.folder).parent.name, settings) as tracker:
        yield [tracker]
