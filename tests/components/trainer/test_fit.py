"""How a network is compiled and trained.

Axes: batch, classes.
"""

import dataclasses
import logging
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from components.trainer.config import FitConfig
from components.trainer.fit import (
    Fitted,
    SmoothedCrossentropy,
    compile_model,
    fit_model,
)
from components.trainer.progress import LOGGER, EpochReporter
from components.trainer.read import training_batches, validation_batches
from models.vit import build_vit
from models.vit_config import ViTConfig

_LOGITS = np.array([[2.0, -1.0, 0.5, 0.0], [-3.0, 0.0, 1.0, 4.0], [0.1, 0.2, 0.3, 0.4]], np.float32)
_LABELS = np.array([0, 2, 1])


@pytest.fixture(scope="module")
def vit_config(trunk: ViTConfig) -> ViTConfig:
    return dataclasses.replace(trunk, blocks_before_token_learner=1, num_tokens=2)


@pytest.fixture(scope="module")
def model(vit_config: ViTConfig) -> keras.Model:
    return build_vit(vit_config)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.75])
def test_the_loss_is_the_cross_entropy_against_smoothed_labels(label_smoothing: float) -> None:
    smoothed = np.eye(4)[_LABELS] * (1 - label_smoothing) + label_smoothing / 4
    expected = -(smoothed * scipy.special.log_softmax(_LOGITS, axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(SmoothedCrossentropy(label_smoothing).call(_LABELS, _LOGITS), expected, rtol=1e-5)
    assert float(SmoothedCrossentropy(label_smoothing)(_LABELS, _LOGITS)) == pytest.approx(expected.mean(), rel=1e-5)


def test_the_loss_without_smoothing_is_that_of_keras() -> None:
    of_keras = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(SmoothedCrossentropy(0.0)(_LABELS, _LOGITS), of_keras(_LABELS, _LOGITS), rtol=1e-5)


def test_the_config_of_the_loss_makes_an_equal_loss() -> None:
    loss = SmoothedCrossentropy(0.3)
    twin = SmoothedCrossentropy.from_config(loss.get_config())
    assert twin.get_config() == loss.get_config()
    assert twin.label_smoothing == 0.3


@pytest.mark.parametrize(
    ("step", "share_of_peak"),
    [(0, 0.0), (10, 0.5), (20, 1.0), (60, 0.5), (80, (1 + np.cos(np.pi * 0.75)) / 2), (100, 0.0)],
)
def test_the_learning_rate_warms_up_to_its_peak_and_decays_to_zero(
    model: keras.Model, fit_config: FitConfig, step: int, share_of_peak: float
) -> None:
    compile_model(model, dataclasses.replace(fit_config, warmup_share=0.2, learning_rate=0.03), steps=100)
    model.optimizer.iterations.assign(step)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03 * share_of_peak, abs=1e-8)


def test_weight_decay_shrinks_kernels_and_nothing_else(model: keras.Model, fit_config: FitConfig) -> None:
    model.set_weights([np.full_like(weight, 2) for weight in model.get_weights()])
    compile_model(model, dataclasses.replace(fit_config, learning_rate=0.1, weight_decay=0.5), steps=10)
    model.optimizer.iterations.assign(1)  # at the peak of the learning rate
    model.optimizer.apply([tf.zeros_like(weight) for weight in model.trainable_variables])
    values = {weight.path: np.unique(weight) for weight in model.trainable_variables}
    kernels = {path for path in values if path.endswith("/kernel")}
    assert {path.rpartition("/")[2] for path in set(values) - kernels} == {"bias", "gamma", "beta", "embeddings"}
    assert {path: value for path, value in values.items() if path not in kernels and value.tolist() != [2]} == {}
    for path in kernels:
        np.testing.assert_allclose(values[path], 2 * (1 - 0.1 * 0.5), rtol=1e-6, err_msg=path)


@pytest.fixture(scope="module")
def opposite(examples: tf.data.Dataset) -> tf.data.Dataset:
    """Valid images with swapped labels: the more is learnt, the fewer are right."""
    return examples.map(lambda image, label: (image, 1 - label))


@pytest.fixture(scope="module")
def config(fit_config: FitConfig) -> FitConfig:
    return dataclasses.replace(fit_config, epochs=6, batch_size=32, learning_rate=0.1)


@pytest.fixture
def fit_once(
    vit_config: ViTConfig,
    config: FitConfig,
    examples: tf.data.Dataset,
    opposite: tf.data.Dataset,
    tmp_path: pathlib.Path,
) -> Callable[[], Fitted]:
    def fit() -> Fitted:
        reporter = EpochReporter("final fit", config.epochs, 0, config.epochs)
        train, valid = training_batches(examples, config), validation_batches(opposite, config)
        return fit_model(vit_config, config, train, valid, reporter, str(tmp_path))

    return fit


def test_a_network_comes_back_with_the_weights_of_its_best_epoch_and_the_same_for_the_same_seed(
    fit_once: Callable[[], Fitted], config: FitConfig, opposite: tf.data.Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER.name)
    fitted = fit_once()
    reports = [vars(record)["progress"] for record in caplog.records]
    accuracies = list({report["epoch"]: report["valid_accuracy"] for report in reports}.values())
    assert len(accuracies) == 6
    assert accuracies[-1] < min(0.1, max(accuracies))  # it learns, and the last epoch is not the best
    assert fitted.valid_accuracy == max(accuracies)
    assert fitted.best_epoch == accuracies.index(max(accuracies)) + 1
    evaluated = fitted.model.evaluate(validation_batches(opposite, config), return_dict=True, verbose=0)
    assert evaluated["accuracy"] == pytest.approx(fitted.valid_accuracy)

    again = fit_once()
    assert (again.valid_accuracy, again.best_epoch) == (fitted.valid_accuracy, fitted.best_epoch)
    for weight, same in zip(fitted.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(same, weight, rtol=1e-4, atol=1e-6)
