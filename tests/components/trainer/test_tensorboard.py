"""What `tensorboard --logdir` shows of a search, read as TensorBoard reads it."""

import dataclasses
import pathlib
from typing import Any

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from trainings import Searched

from components.trainer.outputs import write_curve, write_tensorboard


def read_run(folder: pathlib.Path) -> EventAccumulator:
    """Reads the events of a run."""
    run = EventAccumulator(str(folder))
    run.Reload()
    return run


def read_scalars(run: EventAccumulator) -> dict[str, list[tuple[int, float]]]:
    """Returns the steps and values of each curve."""
    return {
        tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in run.Tensors(tag)]
        for tag in run.Tags()["tensors"]
        if not tag.startswith("_hparams_")
    }


def read_hparams(run: EventAccumulator, tag: str) -> Any:
    """Returns what the HParams plugin finds under a tag."""
    content = run.SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


@pytest.fixture(scope="module")
def logs(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The logs of a search with one failed trial."""
    folder = tmp_path_factory.mktemp("tensorboard")
    failed = dataclasses.replace(searched.search.trials[0], trial_id="99", status="failed", history=())
    write_tensorboard([*searched.search.trials, failed], folder)
    return folder


def test_each_completed_trial_is_a_run(searched: Searched, logs: pathlib.Path) -> None:
    names = [f"{t.stage}-{t.trial_id}-{t.point}-seed-{t.seed}" for t in searched.search.trials]
    assert sorted(folder.name for folder in logs.iterdir() if folder.is_dir()) == sorted(names)
    assert len(set(names)) == len(names)


def test_a_run_has_the_curves_of_its_epochs(searched: Searched, logs: pathlib.Path) -> None:
    (trial, *_) = (trial for trial in searched.search.trials if trial.round == 2)
    run = read_run(logs / f"search-{trial.trial_id}-{trial.point}-seed-1")
    assert [epoch.epoch for epoch in trial.history] == [3, 4]
    fields = {
        "epoch_loss": "train_loss",
        "epoch_accuracy": "train_accuracy",
        "epoch_val_loss": "valid_loss",
        "epoch_val_accuracy": "valid_accuracy",
    }
    assert read_scalars(run) == {
        tag: [(epoch.epoch, pytest.approx(getattr(epoch, field), rel=1e-6)) for epoch in trial.history]
        for tag, field in fields.items()
    }


def test_the_hparams_plugin_finds_the_values_of_each_trial(searched: Searched, logs: pathlib.Path) -> None:
    for trial in searched.search.trials:
        name = f"{trial.stage}-{trial.trial_id}-{trial.point}-seed-{trial.seed}"
        info = read_hparams(read_run(logs / name), "_hparams_/session_start_info").session_start_info
        assert info.group_name  # of the trial's id
        values = {key: getattr(value, value.WhichOneof("kind")) for key, value in info.hparams.items()}
        expected = {**trial.config, "seed": trial.seed, "round": trial.round, "mmacs": round(trial.macs / 1e6, 2)}
        assert values == expected


def test_the_hparams_plugin_is_told_what_there_is_to_compare(logs: pathlib.Path) -> None:
    experiment = read_hparams(read_run(logs), "_hparams_/experiment").experiment
    assert [info.name for info in experiment.hparam_infos] == [
        "token_reducer",
        "blocks_before_token_learner",
        "num_tokens",
        "use_token_fuser",
        "seed",
        "round",
        "mmacs",
    ]
    (metric,) = experiment.metric_infos
    assert (metric.name.tag, metric.display_name) == ("epoch_val_accuracy", "validation accuracy")


def test_a_curve_of_its_own_can_be_written(searched: Searched, tmp_path: pathlib.Path) -> None:
    history = searched.search.trials[-1].history
    write_curve(history, tmp_path / "final_fit")
    curve = read_scalars(read_run(tmp_path / "final_fit"))["epoch_val_accuracy"]
    assert curve == [(epoch.epoch, pytest.approx(epoch.valid_accuracy, rel=1e-6)) for epoch in history]
