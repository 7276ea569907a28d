"""Trainings: their results, their interruptions and their failures.

Axes: batch, height, width, channels, examples, classes.
"""

import copy
import dataclasses
import functools
import pathlib
import time
from typing import Any

import numpy as np
import pytest
import scipy.special
from trainings import NAN, SCHEDULE, TRAINING, FitterIn, assert_same, listening, make_examples, train_up_to

from components.trainer.config import FitConfig, Schedule
from components.trainer.data.examples import Examples
from components.trainer.progress import EpochReporter, Progress
from components.trainer.training import checkpoint
from components.trainer.training.fitter import Fitter, OutOfTimeError, TrainingFailedError
from models.encoder import EncoderBlock
from models.vit import build_vit
from models.vit_config import ViTConfig


def test_the_best_model_predicts_what_was_measured_in_the_best_epoch(
    fitter_in: FitterIn, valid: Examples, network: ViTConfig, tmp_path: pathlib.Path
) -> None:
    """Valid labels are swapped: the more is learned, the fewer are right, so that the last epoch is not the best."""
    fitter = fitter_in(tmp_path)
    fitter.valid = dataclasses.replace(valid, labels=1 - valid.labels)
    training = train_up_to(fitter, network, 4)
    best = training.best_epoch
    assert best.epoch < 4
    model = fitter.best_model(network, training)
    logits = model.predict(fitter.valid.stream_images(32), verbose=0)  # [examples, classes]
    labels = fitter.valid.labels.numpy()
    correct = logits.argmax(axis=-1) == labels
    np.testing.assert_array_equal(correct, training.correct[best.epoch - 1])
    assert best.valid_accuracy == correct.mean() == max(epoch.valid_accuracy for epoch in training.epochs)
    losses = -scipy.special.log_softmax(logits, axis=-1)[np.arange(len(labels)), labels]
    assert best.valid_loss == pytest.approx(losses.mean(), rel=1e-5)


def test_only_missing_epochs_are_trained_and_a_damaged_checkpoint_is_replaced(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    fitter = fitter_in(tmp_path)
    train_up_to(fitter, network, 1)
    with listening() as reports:
        training = train_up_to(fitter, network, 3)
    ended = [(report["epoch"], report["valid_accuracy"]) for report in reports if report["epoch_has_ended"]]
    assert ended == [(epoch.epoch, epoch.valid_accuracy) for epoch in training.epochs[1:]]

    assert [epoch.epoch for epoch in training.epochs] == [1, 2, 3]
    assert [epoch.valid_accuracy for epoch in training.epochs] == training.correct.mean(axis=1).tolist()
    assert training.correct.shape == (3, 60)
    for epoch in training.epochs:
        assert 0 < epoch.seconds < 60
        assert (epoch.train_accuracy * 32).is_integer()
        assert 0.2 < epoch.train_loss < 2
    model = fitter.best_model(network, training)
    assert training.parameters == sum(int(np.prod(weight.shape)) for weight in model.weights)

    (file,) = tmp_path.iterdir()
    assert file.name == "token_learner-2@0,seed=1,epochs=4.checkpoint"
    written = file.stat().st_mtime_ns
    with listening() as reports:
        assert_same(train_up_to(fitter, network, 1), training)
        assert_same(train_up_to(fitter, network, 3), training)
    assert reports == []
    assert file.stat().st_mtime_ns == written

    file.write_bytes(file.read_bytes()[:-100])
    assert_same(train_up_to(fitter, network, 3), training)
    assert f"{file} is damaged" in caplog.text
    assert_same(checkpoint.load(file), training)


def test_an_interrupted_training_continues_in_another_process_and_all_is_traced_before_the_first_epoch(
    network: ViTConfig,
    fitter_in: FitterIn,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Like processes, either Fitter traces the network; Python runs the layers while they are traced, and not later."""
    calls: list[int] = []
    traced: list[int] = []
    call = EncoderBlock.call

    @functools.wraps(call)
    def count_call(self: EncoderBlock, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return call(self, *args, **kwargs)

    class Breaker(EpochReporter):
        def report_step(self, epoch: int, share_of_epoch: float) -> None:
            traced.append(len(calls))
            if (epoch, share_of_epoch) == (2, 0.5):
                raise KeyboardInterrupt

    monkeypatch.setattr(EncoderBlock, "call", count_call)
    fresh = Fitter(fit_config, train, valid, fitter_in(tmp_path / "state").folder)
    for seed in (2, 1):
        calls.clear()
        traced.clear()
        with pytest.raises(KeyboardInterrupt):
            fresh.fit(network, seed=seed, schedule=SCHEDULE, reporter=Breaker(Progress(), "training", TRAINING, 4))
        assert len(traced) == 10
        assert len(set(traced)) == 1
    left, other = (fresh.find(network, seed=seed, schedule=SCHEDULE) for seed in (1, 2))
    assert left is not None
    assert other is not None
    assert len(left.epochs) == 2
    assert left.epochs[0].train_loss != other.epochs[0].train_loss
    assert not np.array_equal(left.state[0], other.state[0])
    whole = train_up_to(fitter_in(tmp_path / "whole"), network, 4)
    assert_same(train_up_to(fitter_in(tmp_path / "state"), network, 4), whole)


def test_a_network_continues_after_any_epoch_though_another_seed_was_trained_in_between(
    backbone: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    """With batch norm and without a reducer; a search that continues with all reducers is in test_search_resume.py."""
    normalized = dataclasses.replace(backbone, stem="residual")
    whole = train_up_to(fitter_in(tmp_path / "whole"), normalized, 3)
    for epochs in (1, 2, 3):
        stopped = train_up_to(fitter_in(tmp_path), normalized, epochs)
        train_up_to(fitter_in(tmp_path), normalized, epochs, seed=2)
        assert len(stopped.epochs) == epochs
    assert_same(stopped, whole)


def test_a_loss_that_is_no_number_ends_the_training_and_leaves_the_epochs_before(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path
) -> None:
    healthy = fitter_in(tmp_path / "state")
    train_up_to(healthy, network, 1)
    spoilt = copy.copy(healthy)
    spoilt.train = make_examples(np.full((35, 8, 8, 3), NAN, np.uint8), np.arange(35) % 2)
    with pytest.raises(TrainingFailedError, match=r"^the training loss is nan in epoch 2$"):
        train_up_to(spoilt, network, 4)
    left = healthy.find(network, seed=1, schedule=SCHEDULE)
    assert left is not None
    assert [epoch.epoch for epoch in left.epochs] == [1]
    undisturbed = train_up_to(fitter_in(tmp_path / "undisturbed"), network, 2)
    assert_same(train_up_to(healthy, network, 2), undisturbed)


def test_a_network_starts_from_the_weights_of_its_backbone_which_is_trained_once(
    backbone: ViTConfig, network: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    """All weights of the same name; the others, of the reducer, are random; the training of the backbone is kept."""
    schedule = Schedule(cycles=(1, 2), backbone_epochs=2)
    fitter = fitter_in(tmp_path)
    training = fitter.fit(network, seed=1, schedule=schedule, epochs=1)
    of_backbone = fitter.find(backbone, seed=1, schedule=Schedule(cycles=(2,)))
    assert of_backbone is not None
    assert len(of_backbone.epochs) == 2
    models = (
        fitter.best_model(backbone, of_backbone),
        *(fitter._initialize(network, 1, start) for start in (schedule, Schedule(cycles=schedule.cycles))),
    )
    trained, begin, fresh = ({weight.path: weight.numpy() for weight in model.trainable_weights} for model in models)
    for path, weight in trained.items():
        np.testing.assert_array_equal(begin[path], weight)
    of_reducer = begin.keys() - trained.keys()
    assert of_reducer
    for path in of_reducer:
        np.testing.assert_array_equal(begin[path], fresh[path])
    assert not np.array_equal(begin["block_0/attention/qkv/kernel"], fresh["block_0/attention/qkv/kernel"])
    assert {file.name for file in tmp_path.iterdir()} == {
        "no_reducer,seed=1,epochs=2.checkpoint",
        "token_learner-2@0,seed=1,epochs=1+2,backbone=2.checkpoint",
    }
    whole = fitter_in(tmp_path / "whole").fit(network, seed=1, schedule=schedule)
    assert_same(fitter.fit(network, seed=1, schedule=schedule), whole)
    assert whole.epochs[0].train_loss == training.epochs[0].train_loss


def test_all_trainings_start_from_the_weights_of_an_initial_model_that_fit(
    backbone: ViTConfig, network: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    """Of other classes and with another reducer; the backbone of the search starts from it, too."""
    other = dataclasses.replace(network, num_classes=3, token_reducer="token_learner_v11")
    weights = {variable.path: np.full(variable.shape, 0.25) for variable in build_vit(other).variables}
    fitter = fitter_in(tmp_path)
    fitter.initial_weights = weights
    fitting, of_backbone = fitter.find_initial_weights(backbone)
    assert of_backbone - len(fitting) == 2  # kernel and bias of the classifier
    models = [fitter._initialize(each, 1, SCHEDULE) for each in (backbone, network)]
    for model in models:
        found = {weight.path: weight.numpy() for weight in model.trainable_weights}
        taken = {path for path, weight in found.items() if (weight == 0.25).all()}
        assert taken == {path for path in found if not path.startswith(("logits/", "token_learner/"))}
    start = fitter._initialize(network, 1, Schedule(cycles=(1,), backbone_epochs=1))
    trained = fitter.find(backbone, seed=1, schedule=Schedule(cycles=(1,)))
    assert trained is not None
    expected = {weight.path: weight.numpy() for weight in fitter.best_model(backbone, trained).trainable_weights}
    kernel = "block_0/attention/qkv/kernel"
    np.testing.assert_array_equal(start.get_layer("block_0").attention.qkv.kernel, expected[kernel])
    assert 0 < np.abs(expected[kernel] - 0.25).max() < 0.2


def test_no_epoch_begins_that_would_end_after_the_deadline(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path
) -> None:
    """The first epoch of a training, whose time is unknown, begins before the deadline; so do those of its backbone."""
    fitter = fitter_in(tmp_path)
    warm = Schedule(cycles=(1,), backbone_epochs=1)
    for schedule, seconds in ((SCHEDULE, -1.0), (warm, -1.0)):
        with pytest.raises(OutOfTimeError):
            fitter.fit(network, seed=1, schedule=schedule, deadline=time.time() + seconds)
    assert list(tmp_path.iterdir()) == []
    done = fitter.fit(network, seed=1, schedule=SCHEDULE, epochs=1, deadline=time.time() + 60)
    path = fitter.locate(network, 1, SCHEDULE)
    checkpoint.save(dataclasses.replace(done, epochs=(dataclasses.replace(done.epochs[0], seconds=61.0),)), path)
    with pytest.raises(OutOfTimeError):
        fitter.fit(network, seed=1, schedule=SCHEDULE, deadline=time.time() + 60)
    assert len(fitter.fit(network, seed=1, schedule=SCHEDULE, epochs=1, deadline=0.0).epochs) == 1  # has it already
