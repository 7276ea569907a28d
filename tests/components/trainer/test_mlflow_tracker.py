"""Tracking by MLflow: a resumed search, a server that does not reply, and a server of its own in the slow test."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from trainings import FitterIn, Searched, search_in

from components.trainer import mlflow_tracker
from components.trainer.config import TrainerConfig
from components.trainer.listener import Listener, Training
from components.trainer.mlflow_tracker import URI_VARIABLE, MlflowTracker, track

FINAL_FIT = Training(name="final_fit", network="a", macs=10, config={}, seed=1)


@pytest.fixture
def uri(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of MLflow's store of files, which needs no server."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv(URI_VARIABLE, (tmp_path / "mlruns").as_uri())
    return os.environ[URI_VARIABLE]


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What users see."""
    messages: list[str] = []
    monkeypatch.setattr(mlflow_tracker.LOGGER, "warning", lambda text, *values: messages.append(text % values))
    return messages


def assert_tracked(uri: str, searched: Searched, file: pathlib.Path) -> None:
    """Asserts that the server has one run of the search, each epoch of its trainings once, and the artifacts."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tokenlearner")
    assert experiment
    runs = client.search_runs([experiment.experiment_id])
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert (parent.info.status, parent.data.tags["winner"]) == ("FINISHED", "token_learner-2@0")
    assert (parent.data.params["search.seeds"], parent.data.params["fit.batch_size"]) == ("2", "8")
    assert parent.data.metrics == {"valid_accuracy": 0.5}
    assert [artifact.path for artifact in client.list_artifacts(parent.info.run_id)] == [file.name]
    nested = {run.info.run_name: run for run in runs if run is not parent}
    assert {run.data.tags["mlflow.parentRunId"] for run in nested.values()} == {parent.info.run_id}
    trials = searched.search.trials
    assert set(nested) == {f"{trial.point},seed={trial.seed}" for trial in trials} | {"final_fit"}
    assert len(nested) == len(runs) - 1
    for trial in trials:
        run = nested[f"{trial.point},seed={trial.seed}"]
        assert run.info.status == "FINISHED"
        assert run.data.params == {
            **{name: str(value) for name, value in trial.config.items()},
            "seed": str(trial.seed),
            "mmacs": str(round(trial.macs / 1e6, 2)),
        }
        accuracies = {
            metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, "valid_accuracy")
        }
        assert len(accuracies) == len(client.get_metric_history(run.info.run_id, "valid_accuracy"))
        for epoch in trial.history:
            assert accuracies[epoch.epoch] == pytest.approx(epoch.valid_accuracy)
        result = client.download_artifacts(run.info.run_id, f"result-epoch-{trial.epochs}.json")
        assert json.loads(pathlib.Path(result).read_text())["valid_accuracy"] == trial.valid_accuracy


class Killed(Listener):
    """Ends the process, as it were, at some point of the search."""

    def __init__(self, trainings: int) -> None:
        self._left = trainings

    def end_training(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt


def search_tracked(
    config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, folder: pathlib.Path, *others: Listener
) -> pathlib.Path:
    """Searches as the Trainer does; returns the file that it uploads."""
    with track(config, state) as trackers:
        searched = search_in(config, fitter_in(state), folder, listeners=[*trackers, *others])
        file = searched.search.folder / "trials.jsonl"
        for tracker in trackers:
            tracker.log_epochs(FINAL_FIT, searched.search.trials[0].history)
            tracker.end_training(FINAL_FIT, {"status": "completed", "epochs": 1})
            tracker.end_search("token_learner-2@0", {"valid_accuracy": 0.5}, file.parent)
    return file


def test_an_interrupted_search_goes_on_in_its_runs(
    searched: Searched,
    config: TrainerConfig,
    fitter_in: FitterIn,
    state: pathlib.Path,
    tmp_path: pathlib.Path,
    uri: str,
    warnings: list[str],
) -> None:
    """Killed in the second rung; then with other workers."""
    with pytest.raises(KeyboardInterrupt):
        search_tracked(config, fitter_in, state, tmp_path, Killed(6))
    more = dataclasses.replace(config, search=dataclasses.replace(config.search, workers=9, max_minutes=99.0))
    file = search_tracked(more, fitter_in, state, tmp_path)
    assert warnings == []
    assert_tracked(uri, searched, file)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_is_down_or_hangs_costs_one_warning_and_one_attempt(
    config: TrainerConfig,
    fitter_in: FitterIn,
    state: pathlib.Path,
    searched: Searched,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    warnings: list[str],
    hangs: bool,
) -> None:
    """A socket that hangs accepts connections and never replies."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if hangs:
            server.listen()
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv(URI_VARIABLE, uri)
        with track(config, state) as trackers:
            again = search_in(config, fitter_in(state), tmp_path, listeners=trackers)
            ended = time.monotonic()
        assert time.monotonic() - ended < 5
        if hangs:
            server.setblocking(False)
            server.accept()
            with pytest.raises(BlockingIOError):
                server.accept()
    assert again.search.trials == searched.search.trials
    [warning] = warnings
    assert warning.startswith(f"Tracking at {uri} stopped; the run continues (")


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A real server in an environment of its own, which uv installs within a minute."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folder = tmp_path / "server"
    folder.mkdir()
    store = ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "artifacts"]
    tool = [sys.executable, "-m", "uv", "tool", "run", "--python", "3.11", "--from", "mlflow==3.17.2"]
    command = [*tool, "mlflow", "server", *store, "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen(command, cwd=folder, start_new_session=True) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    while True:
        assert process.poll() is None
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(1)


@pytest.mark.slow
def test_a_real_server_gets_a_resumed_search_and_may_die(
    searched: Searched,
    config: TrainerConfig,
    fitter_in: FitterIn,
    state: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    warnings: list[str],
    server: tuple[str, "subprocess.Popen[bytes]"],
) -> None:
    uri, process = server
    monkeypatch.setenv(URI_VARIABLE, uri)
    with pytest.raises(KeyboardInterrupt):
        search_tracked(config, fitter_in, state, tmp_path, Killed(6))
    file = search_tracked(config, fitter_in, state, tmp_path)
    assert warnings == []
    assert_tracked(uri, searched, file)
    longer = dataclasses.replace(config, fit=dataclasses.replace(config.fit, epochs=9))  # another run
    with track(longer, state) as [tracker]:
        assert isinstance(tracker, MlflowTracker)
        tracker.log_epochs(FINAL_FIT, searched.search.trials[0].history)
        tracker.thread.submit(int).result()  # all is sent
        assert warnings == []
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        tracker.end_training(FINAL_FIT, {"status": "completed", "epochs": 1})
    [warning] = warnings
    assert warning.startswith(f"Tracking at {uri} stopped; the run continues (")
