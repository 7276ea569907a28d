"""Optional tracking by an MLflow server, which neither delays nor ends a run."""

import contextlib
import dataclasses
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
_KEY = "tokenlearner.key"  # tag by which a resumed search finds its runs
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_END_SECONDS = 30  # for what is not sent yet at the end
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "skipped": "KILLED"}


class MlflowTracker(Listener):
    """Logs a search as a run with a nested run for each training, from a thread of its own.

    Runs with the same key are continued, so a resumed search logs nothing twice. The first error is a warning, after
    which nothing more is sent.

    Args:
        uri: Of the server.
        key: Identifies the search.
        name: Of its run.
        settings: Parameters of its run.
    """

    def __init__(self, uri: str, key: str, name: str, settings: Mapping[str, Any]) -> None:
        for variable, value in _DEFAULTS.items():
            os.environ.setdefault(variable, value)
        self._uri = uri
        self._has_failed = False
        self._runs: dict[str, tuple[str, int]] = {}  # id and last epoch of nested runs, by training
        self._thread = futures.ThreadPoolExecutor(max_workers=1)
        self._submit(self._begin, key, name, settings)

    def log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        """Sends metrics."""
        self._submit(self._log_epochs, training, epochs)

    def end_training(self, training: Training, status: str, result: Mapping[str, Any]) -> None:
        """Ends a nested run, with the result as an artifact."""
        self._submit(self._end_training, training, status, result)

    def end_search(self, winner: str, metrics: Mapping[str, float], files: Sequence[pathlib.Path]) -> None:
        """Sends the outcome to the run of the search."""
        self._submit(self._end_search, winner, metrics, files)

    def close(self, status: str) -> None:
        """Ends the run of the search; waits a while for what is not sent yet."""
        end = self._submit(lambda: self._client.set_terminated(self._parent, _STATUS[status]))
        try:
            end.result(timeout=_END_SECONDS)
        except futures.TimeoutError:
            self._fail(f"not all was sent within {_END_SECONDS} seconds")
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _submit(self, function: Callable[..., None], *arguments: Any) -> futures.Future[None]:
        return self._thread.submit(self._attempt, function, *arguments)

    def _attempt(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._has_failed:
            try:
                function(*arguments)
            except Exception as error:
                self._fail(f"{type(error).__name__}: {error}".splitlines()[0])

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            LOGGER.warning("MLflow at %s gets nothing more; the run goes on (%s)", self._uri, reason)

    def _begin(self, key: str, name: str, settings: Mapping[str, Any]) -> None:
        from mlflow import MlflowClient  # takes seconds

        self._client = MlflowClient(self._uri)
        group = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        experiment = self._client.get_experiment_by_name(group)
        self._experiment = experiment.experiment_id if experiment else self._client.create_experiment(group)
        self._key = key
        self._parent, _ = self._open(key, name, settings, {})

    def _open(self, key: str, name: str, settings: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, int]:
        """Finds or makes a run; returns its id and the last epoch that it has."""
        from mlflow.entities import Param

        found = self._client.search_runs([self._experiment], f"tags.`{_KEY}` = '{key}'", max_results=1)
        if found:
            run = found[0]
            self._client.update_run(run.info.run_id, status="RUNNING")
        else:
            run = self._client.create_run(self._experiment, tags={_KEY: key, **tags}, run_name=name)
        self._client.log_batch(run.info.run_id, params=[Param(field, str(value)) for field, value in settings.items()])
        return run.info.run_id, int(run.data.metrics.get("epoch", 0))

    def _find(self, training: Training) -> tuple[str, int]:
        if training.name not in self._runs:
            key, tags = f"{self._key}/{training.name}", {"mlflow.parentRunId": self._parent}
            self._runs[training.name] = self._open(key, training.name, training.settings, tags)
        return self._runs[training.name]

    def _log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        run, logged = self._find(training)
        for epoch in epochs:
            if epoch.epoch > logged:
                self._log_metrics(run, dataclasses.asdict(epoch), epoch.epoch)
                self._runs[training.name] = (run, epoch.epoch)

    def _log_metrics(self, run: str, metrics: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(run, metrics=[Metric(name, value, now, step) for name, value in metrics.items()])

    def _end_training(self, training: Training, status: str, result: Mapping[str, Any]) -> None:
        run, epochs = self._find(training)
        self._client.log_dict(run, dict(result), f"result-epoch-{epochs}.json")
        self._client.set_terminated(run, _STATUS[status])

    def _end_search(self, winner: str, metrics: Mapping[str, float], files: Sequence[pathlib.Path]) -> None:
        self._client.set_tag(self._parent, "winner", winner)
        self._log_metrics(self._parent, metrics, 0)
        for file in files:
            self._client.log_artifact(self._parent, str(file))


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
    parts = dataclasses.asdict(dataclasses.replace(config, search=search))
    del parts["state"]
    settings = {f"{part}.{name}": value for part, fields in parts.items() for name, value in fields.items()}
    key = hashlib.sha256(json.dumps([str(state), settings]).encode()).hexdigest()[:16]
    tracker = MlflowTracker(uri, key, pathlib.Path(config.state.folder).parent.name, settings)
    status = "failed"
    try:
        yield [tracker]
        status = "completed"
    finally:
        tracker.close(status)
