"""What training minimizes, and how fast.

Axes: batch, classes.
"""

import dataclasses

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from components.trainer.config import FitConfig
from components.trainer.training.optimizer import (
    SmoothedCrossentropy,
    WarmupCosine,
    averaged_weights,
    compile_model,
)
from models.vit import build_vit
from models.vit_config import ViTConfig

_LOGITS = np.array([[2.0, -1.0, 0.5, 0.0], [-3.0, 0.0, 1.0, 4.0], [0.1, 0.2, 0.3, 0.4]], np.float32)
_LABELS = np.array([0, 2, 1])


@pytest.fixture(scope="module")
def model(backbone: ViTConfig) -> keras.Model:
    """With kernels of every kind."""
    return build_vit(
        dataclasses.replace(
            backbone,
            token_reducer="token_learner_v11",
            blocks_before_token_learner=0,
            num_tokens=2,
            use_token_fuser=True,
        )
    )


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.75])
def test_the_loss_is_the_cross_entropy_against_smoothed_labels(label_smoothing: float) -> None:
    smoothed = np.eye(4)[_LABELS] * (1 - label_smoothing) + label_smoothing / 4
    expected = -(smoothed * scipy.special.log_softmax(_LOGITS, axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(SmoothedCrossentropy(label_smoothing).call(_LABELS, _LOGITS), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("steps", "warmup_share", "warmup_steps"), [(100, 0.2, 20), (7, 0.0, 1), (1, 0.5, 1), (30, 1.0, 30)]
)
def test_the_learning_rate_is_that_of_keras_whatever_the_length_it_was_traced_with(
    steps: int, warmup_share: float, warmup_steps: int
) -> None:
    schedule = WarmupCosine(peak=0.03, warmup_share=warmup_share, steps=5)
    traced = tf.function(schedule, input_signature=[tf.TensorSpec([], tf.int64)])
    assert float(traced(tf.constant(0, tf.int64))) == 0
    schedule.set_steps(steps)
    of_keras = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup_steps), warmup_target=0.03, warmup_steps=warmup_steps
    )
    for step in range(steps + 3):
        np.testing.assert_allclose(traced(tf.constant(step, tf.int64)), of_keras(step), rtol=1e-5, atol=1e-9)
    assert WarmupCosine.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_updates_are_those_of_the_adamw_of_keras(model: keras.Model, fit_config: FitConfig) -> None:
    """All variables exist before the first step, else a checkpoint that a restart reads before it lacks some."""
    config = dataclasses.replace(fit_config, learning_rate=0.1, weight_decay=0.5, gradient_clip_norm=3.0)
    rng = np.random.default_rng(0)
    begin = [rng.normal(size=weight.shape).astype(np.float32) for weight in model.trainable_variables]
    gradients = [[rng.normal(size=value.shape).astype(np.float32) for value in begin] for _ in range(6)]

    compile_model(model, config, steps=10)
    built = [variable.path for variable in model.optimizer.variables]
    of_keras = keras.optimizers.AdamW(
        WarmupCosine(0.1, config.warmup_share, 10),
        weight_decay=0.5,
        global_clipnorm=3.0,
        use_ema=True,
        ema_momentum=config.ema_momentum,
    )
    of_keras.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    found: list[list[np.ndarray]] = []
    for optimizer in (model.optimizer, of_keras):
        for weight, value in zip(model.trainable_variables, begin, strict=True):
            weight.assign(value)
        for step in gradients:
            optimizer.apply([tf.constant(gradient) for gradient in step], model.trainable_variables)
        averages = optimizer._model_variables_moving_average
        found.append([np.array(variable) for variable in (*model.trainable_variables, *averages)])
    for value, expected in zip(*found, strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-5)
    assert np.abs(found[0][0] - begin[0]).max() > 0.1
    assert [variable.path for variable in model.optimizer.variables] == built


@pytest.mark.parametrize("momentum", [0.75, 0.0])
def test_a_model_gets_the_average_of_its_weights_if_there_is_one_and_then_its_own_again(
    model: keras.Model, fit_config: FitConfig, momentum: float
) -> None:
    compile_model(model, dataclasses.replace(fit_config, learning_rate=0.1, ema_momentum=momentum), steps=10)
    expected: list[np.ndarray] = []
    after: list[np.ndarray] = []
    for _ in range(4):
        model.optimizer.apply([tf.ones_like(weight) for weight in model.trainable_variables])
        after = [np.array(weight) for weight in model.trainable_variables]
        expected = [momentum * old + (1 - momentum) * new for old, new in zip(expected or after, after, strict=True)]
    with averaged_weights(model):
        for weight, value in zip(model.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-6)
        assert np.allclose(model.trainable_variables[0], after[0], atol=1e-3) == (momentum == 0)
    for weight, value in zip(model.trainable_variables, after, strict=True):
        np.testing.assert_array_equal(weight, value)
