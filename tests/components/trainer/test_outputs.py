"""The outcome of a search, and its logs as TensorBoard reads them."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from trainings import Searched

from components.artifacts.search_outcome import Finalist, SearchOutcome, Spending, Untrained, read_search, write_search
from components.trainer.findings import describe_choice
from components.trainer.outputs import describe_search, write_tensorboard
from components.trainer.search.selection import Candidate, choose
from models.macs import count_macs
from models.search_space import name_point


@pytest.fixture
def found(searched: Searched, tmp_path: pathlib.Path) -> SearchOutcome:
    """The search.json of a real search in which, besides, two points were dropped and one failed."""
    first = dataclasses.replace(searched.search.trials[0], valid_accuracy=None)
    dropped = dataclasses.replace(first, point="too expensive", epochs=0, status="dropped", reason="needs 1000.00")
    failed = dataclasses.replace(
        first, point="broken", initial_epoch=1, epochs=2, status="failed", reason="out of memory"
    )
    write_search(describe_search(searched.choice, [dropped, *searched.search.trials, failed], 4), tmp_path)
    return read_search(tmp_path)


def test_the_choice_is_written_with_what_it_rests_on(searched: Searched, found: SearchOutcome) -> None:
    choice = searched.choice
    assert (found.winner, found.best) == (choice.winner.name, choice.best.name)
    assert found.sentences == describe_choice(choice)
    assert found.learned == (choice.learned.name if choice.learned else None)
    assert (found.seed_deviation, found.is_seed_deviation_measured) == (choice.seed_deviation, True)
    macs = {name_point(point): count_macs(point).total for point in searched.search.points}
    assert found.finalists == tuple(
        Finalist(
            point=candidate.name,
            macs=macs[candidate.name],
            valid_accuracies=tuple(candidate.correct.mean(axis=1).tolist()),
            valid_images=60,
        )
        for candidate in choice.candidates
    )
    for name in ("differences", "winner_differences", "learned_differences", "reference_differences"):
        assert getattr(found, name) == getattr(choice, name)


def test_what_was_spent_dropped_and_failed_is_written(searched: Searched, found: SearchOutcome) -> None:
    repeats = searched.of_stage("finalists")
    assert found.epochs == Spending(
        backbone=0,
        search=8 + 1,
        finalists=sum(trial.epochs - trial.initial_epoch for trial in repeats),
        every_point_fully=4 * (4 + 1),
    )
    assert found.dropped == (Untrained(point="too expensive", reason="needs 1000.00"),)
    assert found.failed == (Untrained(point="broken", reason="out of memory"),)


def test_a_search_without_a_learned_point_or_a_second_seed_is_described_too(searched: Searched) -> None:
    backbone = searched.search.config.backbone
    choice = choose(
        [Candidate(network=backbone, correct=np.ones((1, 5), bool))],
        contenders=(),
        assumed_seed_deviation=0.02,
    )
    found = describe_search(choice, [], 4)
    assert (found.winner, found.learned, found.seed_deviation) == ("no_reducer", None, 0.02)
    assert (found.differences, found.winner_differences, found.learned_differences) == ((), (), ())


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


def test_each_completed_trial_is_a_run_with_its_curves_and_hyperparameters(
    searched: Searched, logs: pathlib.Path
) -> None:
    trials = {f"{t.stage}-{t.trial_id}-{t.point}-seed-{t.seed}": t for t in searched.search.trials}
    assert sorted(folder.name for folder in logs.iterdir() if folder.is_dir()) == sorted(trials)
    assert len(trials) == len(searched.search.trials)
    fields = {
        "epoch_loss": "train_loss",
        "epoch_accuracy": "train_accuracy",
        "epoch_val_loss": "valid_loss",
        "epoch_val_accuracy": "valid_accuracy",
    }
    for name, trial in trials.items():
        run = read_run(logs / name)
        assert read_scalars(run) == {
            tag: [(epoch.epoch, pytest.approx(getattr(epoch, field), rel=1e-6)) for epoch in trial.history]
            for tag, field in fields.items()
        }
        info = read_hparams(run, "_hparams_/session_start_info").session_start_info
        assert info.group_name  # of the trial's id
        values = {key: getattr(value, value.WhichOneof("kind")) for key, value in info.hparams.items()}
        expected = {**trial.config, "seed": trial.seed, "round": trial.round, "mmacs": round(trial.macs / 1e6, 2)}
        assert values == expected


def test_the_hparams_plugin_gets_the_names_of_hyperparameters_and_metric(logs: pathlib.Path) -> None:
    experiment = read_hparams(read_run(logs), "_hparams_/experiment").experiment
    names = ["token_reducer", "blocks_before_token_learner", "num_tokens", "use_token_fuser", "seed", "round", "mmacs"]
    assert [info.name for info in experiment.hparam_infos] == names
    (metric,) = experiment.metric_infos
    assert (metric.name.tag, metric.display_name) == ("epoch_val_accuracy", "validation accuracy")
