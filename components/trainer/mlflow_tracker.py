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
_KEY = "tokenlearner.key"  # tag by which a resumed search finds its run
_PARENT = "mlflow.parentRunId"  # MLflow's tag of nested runs
_MOST_RUNS = 50_000  # that MLflow returns at once
_EPOCHS_PER_REQUEST = 100  # MLflow takes 1,000 metrics
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_END_SECONDS = 60  # for what is not sent yet at the end
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "skipped": "KILLED"}


class MlflowTracker(Listener):
    """Logs a search as a run with a nested run for each training, from a thread of its own.

    The runs of an earlier process with the same key are continued: a resumed search logs nothing twice. The first error is a warning, after
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

    def end_training(self, training: Training, result: Mapping[str, Any]) -> None:
        """Ends a nested run, with the result as an artifact."""
        self._submit(self._end_training, training, result)

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
        found = self._client.search_runs([self._experiment], f"tags.`{_KEY}` = '{key}'")
        if not found:
            self._parent = self._create_run(name, settings, {_KEY: key})
            return
        self._parent = found[0].info.run_id
        self._client.update_run(self._parent, status="RUNNING")
        nested = f"tags.`{_PARENT}` = '{self._parent}'"
        for run in self._client.search_runs([self._experiment], nested, max_results=_MOST_RUNS):
            self._runs[run.info.run_name] = (run.info.run_id, int(run.data.metrics.get("epoch", 0)))

    def _create_run(self, name: str, settings: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        from mlflow.entities import Param

        run: str = self._client.create_run(self._experiment, tags=dict(tags), run_name=name).info.run_id
        self._client.log_batch(run, params=[Param(field, str(value)) for field, value in settings.items()])
        return run

    def _find(self, training: Training) -> tuple[str, int]:
        if training.name not in self._runs:
            run = self._create_run(training.name, training.settings, {_PARENT: self._parent})
            self._runs[training.name] = (run, 0)
        return self._runs[training.name]

    def _log_epochs(self, training: Training, epochs: Sequence[Epoch]) -> None:
        run, logged = self._find(training)
        new = [epoch for epoch in epochs if epoch.epoch > logged]
        for i in range(0, len(new), _EPOCHS_PER_REQUEST):
            part = new[i : i + _EPOCHS_PER_REQUEST]
            self._log_metrics(run, [(epoch.epoch, dataclasses.asdict(epoch)) for epoch in part])
            self._runs[training.name] = (run, part[-1].epoch)

    def _log_metrics(self, run: str, steps: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, step) for step, values in steps for name, value in values.items()]
        self._client.log_batch(run, metrics=metrics)

    def _end_training(self, training: Training, result: Mapping[str, Any]) -> None:
        run, _ = self._find(training)
        self._client.log_dict(run, dict(result), f"result-epoch-{result['epochs']}.json")
        self._client.set_terminated(run, _STATUS[result["status"]])

    def _end_search(self, winner: str, metrics: Mapping[str, float], files: Sequence[pathlib.Path]) -> None:
        self._client.set_tag(self._parent, "winner", winner)
        self._log_metrics(self._parent, [(0, metrics)])
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
