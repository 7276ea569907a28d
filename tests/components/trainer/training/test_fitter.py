"""What a training comes to, and how it fails.

Axes: batch, height, width, channels, examples, classes.
"""

import copy
import dataclasses
import functools
import logging
import pathlib
import re
from typing import Any

import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from trainings import FitterIn, assert_same, train_up_to

from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples, count_batches, training_batches
from components.trainer.progress import LOGGER, EpochReporter
from components.trainer.training import checkpoint
from components.trainer.training.fitter import Fitter, TrainingFailedError
from models.encoder import EncoderBlock
from models.vit_config import ViTConfig


@pytest.fixture
def opposite(fitter_in: FitterIn, valid: Examples, tmp_path: pathlib.Path) -> Fitter:
    """Valid labels are swapped: the more is learned, the fewer are right, so that the last epoch is not the best."""
    fitter = fitter_in(tmp_path)
    fitter.valid = dataclasses.replace(valid, labels=1 - valid.labels)
    return fitter


def test_the_best_model_does_what_was_measured_in_the_best_epoch(opposite: Fitter, network: ViTConfig) -> None:
    training = train_up_to(opposite, network, 4)
    best = training.best_epoch
    assert best.epoch < 4
    logits = opposite.best_model(network, training).predict(
        opposite.valid.stream_images(32), verbose=0
    )  # [examples, classes]
    labels = opposite.valid.labels.numpy()
    correct = logits.argmax(axis=-1) == labels
    np.testing.assert_array_equal(correct, training.correct[best.epoch - 1])
    assert best.valid_accuracy == correct.mean() == max(epoch.valid_accuracy for epoch in training.epochs)
    losses = -scipy.special.log_softmax(logits, axis=-1)[np.arange(len(labels)), labels]
    assert best.valid_loss == pytest.approx(losses.mean(), rel=1e-5)


def test_a_training_tells_its_epochs_and_its_size(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path
) -> None:
    training = train_up_to(fitter_in(tmp_path), network, 3)
    assert [epoch.epoch for epoch in training.epochs] == [1, 2, 3]
    assert training.correct.shape == (3, 60)
    assert [epoch.valid_accuracy for epoch in training.epochs] == training.correct.mean(axis=1).tolist()
    for epoch in training.epochs:
        assert 0 < epoch.seconds < 60
        assert (epoch.train_accuracy * 32).is_integer()
        assert 0.2 < epoch.train_loss < 2
    model = fitter_in(tmp_path).best_model(network, training)
    assert training.parameters == sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert [file.name for file in tmp_path.iterdir()] == ["token_learner-2@0,seed=1,epochs=4.checkpoint"]


def test_nothing_is_trained_when_as_many_epochs_are_done(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = train_up_to(fitter_in(tmp_path), network, 3)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    caplog.set_level(logging.INFO, logger=LOGGER.name)
    for epochs in (1, 3):
        assert_same(train_up_to(fitter_in(tmp_path), network, epochs), done)
    assert not caplog.records
    assert file.stat().st_mtime_ns == written


def test_only_the_epochs_that_are_missing_are_told(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    train_up_to(fitter_in(tmp_path), network, 1)
    caplog.set_level(logging.INFO, logger=LOGGER.name)
    training = train_up_to(fitter_in(tmp_path), network, 3)
    ended = [p for p in (vars(record)["progress"] for record in caplog.records) if p["epoch_has_ended"]]
    assert [(p["epoch"], p["valid_accuracy"]) for p in ended] == [
        (epoch.epoch, epoch.valid_accuracy) for epoch in training.epochs[1:]
    ]


def test_a_damaged_checkpoint_is_trained_anew_with_the_same_result(
    fitter_in: FitterIn, network: ViTConfig, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = train_up_to(fitter_in(tmp_path), network, 2)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    assert_same(train_up_to(fitter_in(tmp_path), network, 2), done)
    assert f"{file} is damaged" in caplog.text
    assert_same(checkpoint.load(file), done)


def test_what_is_done_once_is_done_before_the_first_epoch(
    network: ViTConfig,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Python runs the layers while the network is traced, and no more once it is."""
    times, called = [], []
    call = EncoderBlock.call

    @functools.wraps(call)
    def count_call(self: EncoderBlock, *args: Any, **kwargs: Any) -> Any:
        called.append(self.name)
        return call(self, *args, **kwargs)

    class Watch(EpochReporter):
        def on_epoch_begin(self, *_: Any) -> None:
            times.append(len(called))

        def on_epoch_end(self, *_: Any) -> None:
            times.append(len(called))

    monkeypatch.setattr(EncoderBlock, "call", count_call)
    fitter = Fitter(fit_config, train, valid, tmp_path)
    for seed in (1, 2):
        called.clear()
        times.clear()
        fitter.fit(network, seed=seed, epochs=2, schedule_epochs=4, reporter=Watch("training", 2, 0, 2))
        assert len(times) == 4
        assert len(set(times)) == 1
    assert not [warning for warning in recwarn if "ran out of data" in str(warning.message)]


def find_late_image(train: Examples, config: FitConfig) -> int:
    """Returns an image that the first epoch leaves out and the second does not."""
    numbered = dataclasses.replace(train, labels=tf.range(len(train)))
    size = count_batches(train, config)
    stream = training_batches(numbered, config, seed=1, first_epoch=0).take(2 * size).as_numpy_iterator()
    fed = [set(labels) for _, labels in stream]
    return int(min(set.union(*fed[size:]) - set.union(*fed[:size])))


def test_a_loss_that_is_no_number_ends_the_training_and_leaves_the_epochs_before(
    fitter_in: FitterIn, network: ViTConfig, fit_config: FitConfig, tmp_path: pathlib.Path
) -> None:
    healthy = fitter_in(tmp_path)
    spoilt = copy.copy(healthy)
    images = healthy.train.pixels.gather(np.arange(len(healthy.train)))
    images[find_late_image(healthy.train, fit_config)] = np.nan
    spoilt.train = Examples.from_arrays(images, healthy.train.labels.numpy())

    with pytest.raises(TrainingFailedError, match=f"^{re.escape('the training loss is nan in epoch 2')}$"):
        train_up_to(spoilt, network, 4)
    (file,) = tmp_path.iterdir()
    left = checkpoint.load(file)
    assert left is not None
    assert [epoch.epoch for epoch in left.epochs] == [1]

    with pytest.raises(TrainingFailedError, match="epoch 2"):
        train_up_to(spoilt, network, 4)
    (tmp_path / "undisturbed").mkdir()
    assert_same(train_up_to(healthy, network, 2), train_up_to(fitter_in(tmp_path / "undisturbed"), network, 2))
