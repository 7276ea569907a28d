"""A training step: its loss, its update, and the replicas that share it.

Axes: batch, height, width, channels, classes.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from components.trainer.config import FitConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.training.fitter import balance_classes
from components.trainer.training.loop import TrainingLoop, read_variables, smoothed_crossentropy
from models.vit import build_vit
from models.vit_config import ViTConfig

_LOGITS = np.array([[2.0, -1.0, 0.5, 0.0], [-3.0, 0.0, 1.0, 4.0], [0.1, 0.2, 0.3, 0.4]], np.float32)
_LABELS = np.array([0, 2, 1])
_RATES = (0.1, 0.05, 0.02)


@pytest.fixture(scope="module")
def batch(train: Examples) -> tuple[tf.Tensor, tf.Tensor]:
    """Seven images, which replicas cannot share equally."""
    [images] = train.first(7).stream_images(7)
    return images, train.labels[:7]


@pytest.fixture(scope="module")
def plain(backbone: ViTConfig) -> ViTConfig:
    """With kernels of every kind, and without dropout."""
    reducer: dict[str, Any] = {"token_reducer": "token_learner_v11", "blocks_before_token_learner": 0, "num_tokens": 2}
    return dataclasses.replace(backbone, dropout_rate=0.0, use_token_fuser=True, **reducer)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.75])
def test_the_loss_is_the_cross_entropy_against_smoothed_labels(label_smoothing: float) -> None:
    smoothed = np.eye(4)[_LABELS] * (1 - label_smoothing) + label_smoothing / 4
    expected = -(smoothed * scipy.special.log_softmax(_LOGITS, axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(smoothed_crossentropy(_LABELS, _LOGITS, label_smoothing), expected, rtol=1e-5)


@pytest.mark.parametrize(("replicas", "strategy"), [(1, "default"), (2, "default"), (3, "default"), (0, "mirrored")])
@pytest.mark.parametrize("momentum", [0.75, 0.0])
def test_updates_are_those_of_the_adamw_of_keras_for_any_replicas(
    plain: ViTConfig,
    fit_config: FitConfig,
    batch: tuple[tf.Tensor, tf.Tensor],
    replicas: int,
    strategy: str,
    momentum: float,
) -> None:
    """Gradients are so clipped that clipping before summing would show; only kernels decay; Keras has no replicas."""
    settings: dict[str, Any] = {
        "gradient_clip_norm": 0.1,
        "weight_decay": 0.5,
        "batch_size": 7,
        "ema_momentum": momentum,
    }
    settings |= {"strategy": strategy, "optimizer": "adamw"}
    config = dataclasses.replace(fit_config, replicas=max(1, replicas), **settings)
    model, loop = build_vit(plain), TrainingLoop(build_vit(plain), config)
    loop.start(read_variables(model.variables))
    optimizer = keras.optimizers.AdamW(
        0.0, weight_decay=0.5, global_clipnorm=0.1, use_ema=momentum > 0, ema_momentum=momentum or 0.5
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    begin = [np.array(weight) for weight in model.trainable_variables]
    for rate in _RATES:
        losses, accuracy = _train(model, optimizer, batch, rate, config.label_smoothing)
        np.testing.assert_allclose(loop.step(*batch, rate), [losses, accuracy], rtol=1e-4)
    expected = [np.ravel(weight) for weight in model.trainable_variables]
    np.testing.assert_allclose(loop.state[0], np.concatenate(expected), rtol=0, atol=1e-3)
    assert np.abs(expected[0] - np.ravel(begin[0])).max() > 0.1
    optimizer.finalize_variable_values(model.trainable_variables)  # the moving average, if there is one
    for weight, average in zip(model.variables, loop.read_weights(), strict=True):
        np.testing.assert_allclose(average, weight, rtol=0, atol=1e-3)
    images = tf.data.Dataset.from_tensor_slices(batch[0])
    for size in (1, 4, 7):
        np.testing.assert_allclose(loop.predict(images.batch(size)), model(batch[0]), rtol=0, atol=1e-3)


def _train(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batch: tuple[tf.Tensor, tf.Tensor],
    rate: float,
    smoothing: float,
) -> tuple[float, float]:
    images, labels = batch
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = tf.reduce_mean(smoothed_crossentropy(labels, logits, smoothing))
    optimizer.learning_rate = rate
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    optimizer.apply(gradients, model.trainable_variables)
    return float(loss), float(np.mean(np.argmax(logits, axis=-1) == labels))


def test_the_averages_of_batch_norm_are_the_mean_over_the_shares(
    backbone: ViTConfig, fit_config: FitConfig, batch: tuple[tf.Tensor, tf.Tensor]
) -> None:
    network = dataclasses.replace(backbone, stem="residual")
    model = build_vit(network)
    loop = TrainingLoop(model, dataclasses.replace(fit_config, batch_size=7))
    loop.start(read_variables(model.variables))
    loop.step(*batch, rate=0.0)
    convolution, norm = (model.get_layer(name) for name in ("stem_0", "stem_0_norm"))
    shares = [share.reshape(-1, share.shape[-1]) for share in np.split(np.array(convolution(batch[0])), [3])]
    found = dict(zip((weight.path for weight in model.variables), loop.read_weights(), strict=True))
    mean = np.mean([share.mean(axis=0) for share in shares], axis=0)
    variance = np.mean([share.var(axis=0, ddof=1) for share in shares], axis=0)
    np.testing.assert_allclose(found[norm.moving_mean.path], 0.01 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[norm.moving_variance.path], 0.99 + 0.01 * variance, rtol=1e-4)


def test_replicas_drop_different_units_and_a_state_repeats_its_steps(
    backbone: ViTConfig, fit_config: FitConfig, batch: tuple[tf.Tensor, tf.Tensor]
) -> None:
    """Both replicas get the same images; with the same masks, either would have half of the loss."""
    network = dataclasses.replace(backbone, dropout_rate=0.5)
    images, labels = (tf.repeat(values[:1], 2, axis=0) for values in batch)
    loops = {
        replicas: TrainingLoop(
            build_vit(network), dataclasses.replace(fit_config, batch_size=replicas, replicas=replicas)
        )
        for replicas in (1, 2)
    }
    for loop in loops.values():
        loop.start(read_variables(loop.model.variables))
    loops[1].state = loops[2].state
    state = loops[2].state
    [alone, _], [together, _] = loops[1].step(images[:1], labels[:1], 0.1), loops[2].step(images, labels, 0.1)
    assert together != pytest.approx(alone, rel=1e-5)
    after = loops[2].state
    loops[2].state = state
    assert loops[2].step(images, labels, 0.1)[0] == together
    for value, again in zip(loops[2].state, after, strict=True):
        np.testing.assert_array_equal(value, again)
    assert loops[2].step(images, labels, 0.1)[0] != together


def test_what_replicas_cannot_share_is_rejected(config: TrainerConfig) -> None:
    with pytest.raises(ValueError, match=r"--fit\.replicas is 9; it must be in 1\.\.8"):
        dataclasses.replace(config.fit, replicas=9)
    one_image = dataclasses.replace(config.fit, batch_size=1, replicas=1, strategy="mirrored")
    with pytest.raises(ValueError, match=r"--fit\.batch-size is 1; it must be at least 2, the number of devices"):
        TrainingLoop(build_vit(config.backbone), one_image)
    search = dataclasses.replace(config.search, workers=2)
    fit = dataclasses.replace(config.fit, strategy="mirrored")
    with pytest.raises(
        ValueError, match=r"--search\.workers is 2 and --fit\.strategy is mirrored, which exclude each other"
    ):
        dataclasses.replace(config, search=search, fit=fit)


def test_balanced_classes_weigh_the_same() -> None:
    labels = np.array([0, 0, 0, 0, 0, 0, 2, 2])
    weights = balance_classes(labels)
    np.testing.assert_allclose(weights, [8 / (2 * 6), 0, 8 / (2 * 2)])
    assert weights[labels].mean() == pytest.approx(1)


def test_class_weights_scale_the_loss_of_each_image(
    plain: ViTConfig, fit_config: FitConfig, batch: tuple[tf.Tensor, tf.Tensor]
) -> None:
    config = dataclasses.replace(fit_config, batch_size=7, replicas=2)
    weights = np.array([0.5] * 5 + [2.0] * 5, np.float32)
    model = build_vit(plain)
    losses = smoothed_crossentropy(batch[1], model(batch[0], training=False), config.label_smoothing)
    loop = TrainingLoop(build_vit(plain), config, weights)
    loop.start(read_variables(model.variables))
    loss, _ = loop.step(*batch, 0.0)
    assert loss == pytest.approx(float(np.mean(losses * weights[batch[1].numpy()])), rel=1e-4)
