"""The logs of trainings, as TensorBoard reads them."""

import pathlib
from typing import Any

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from trainings import FitterIn, Searched, search_in

from components.trainer.config import TrainerConfig
from components.trainer.search.tuner import describe_training
from components.trainer.tensorboard_logs import TensorBoardLogs

_FIELDS = {
    "epoch_loss": "train_loss",
    "epoch_accuracy": "train_accuracy",
    "epoch_val_loss": "valid_loss",
    "epoch_val_accuracy": "valid_accuracy",
}


class _Killed(TensorBoardLogs):
    """Logs of a process that is killed after the first epoch of its third training."""

    def log_epochs(self, *arguments: object) -> None:
        super().log_epochs(*arguments)  # type: ignore[arg-type]
        if len(list(self._folder.iterdir())) == 3:
            raise KeyboardInterrupt


def read_curves(folder: pathlib.Path, settings: dict[str, Any]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Returns the steps and values of each curve of each run, and asserts its hyperparameters."""
    curves = {}
    for run in sorted(folder.iterdir()):
        events = EventAccumulator(str(run))
        events.Reload()
        curves[run.name] = {
            tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
            for tag in _FIELDS
        }
        metadata = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        info = plugin_data_pb2.HParamsPluginData.FromString(metadata).session_start_info
        values = {key: getattr(value, value.WhichOneof("kind")) for key, value in info.hparams.items()}
        assert values == settings[run.name]
    return curves


def test_each_training_is_a_run_whose_epochs_are_on_disk_as_they_end(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    expected = {
        f"{point},seed={seed}": {
            tag: [
                (epoch.epoch, pytest.approx(getattr(epoch, field), rel=1e-6))
                for trial in searched.search.trials
                if (trial.point, trial.seed) == (point, seed)
                for epoch in trial.history
            ]
            for tag, field in _FIELDS.items()
        }
        for point, seed in {(trial.point, trial.seed) for trial in searched.search.trials}
    }
    settings = {describe_training(trial).name: describe_training(trial).settings for trial in searched.search.trials}
    killed, resumed = tmp_path / "killed", tmp_path / "resumed"
    killed.mkdir()
    with pytest.raises(KeyboardInterrupt):
        search_in(config, fitter_in(state), tmp_path, listeners=[_Killed(killed)])
    first = {name: {tag: curve[:1] for tag, curve in curves.items()} for name, curves in expected.items()}
    found = read_curves(killed, settings)
    assert len(found) == 3
    assert found == {name: first[name] for name in found}
    search_in(config, fitter_in(state), tmp_path, listeners=[TensorBoardLogs(resumed)])
    assert read_curves(resumed, settings) == expected
