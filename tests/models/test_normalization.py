"""Batch and layer normalization equal Keras's."""

import keras
import numpy as np
import tensorflow as tf

from models.normalization import FastLayerNormalization, FusedBatchNormalization

_SHAPE = (6, 5, 4, 3)


def _make_pair() -> tuple[keras.layers.BatchNormalization, FusedBatchNormalization]:
    rng = np.random.default_rng(1)
    layers = keras.layers.BatchNormalization(), FusedBatchNormalization()
    for layer in layers:
        layer.build(_SHAPE)
    weights = [rng.uniform(0.5, 1.5, weight.shape) for weight in layers[0].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def _make_images() -> tf.Tensor:
    return tf.constant(np.random.default_rng(2).normal(2, 3, _SHAPE), tf.float32)


def test_inference_is_that_of_keras_and_a_frozen_layer_infers_while_training() -> None:
    plain, fused = _make_pair()
    np.testing.assert_allclose(fused(_make_images()), plain(_make_images()), rtol=1e-5, atol=1e-5)
    fused.trainable = False
    before = fused.get_weights()
    np.testing.assert_array_equal(fused(_make_images(), training=True), fused(_make_images()))
    np.testing.assert_array_equal(fused.get_weights(), before)


def test_training_and_its_gradients_are_those_of_keras() -> None:
    images, upstream = _make_images(), tf.constant(np.random.default_rng(3).normal(size=_SHAPE), tf.float32)
    results = []
    for layer in _make_pair():
        with tf.GradientTape() as tape:
            tape.watch(images)
            normed = layer(images, training=True)
            loss = tf.reduce_sum(normed * upstream)
        sources = [images, layer.gamma.value, layer.beta.value]
        results.append([normed, *tape.gradient(loss, sources)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_training_moves_the_averages_as_keras_does_but_with_the_unbiased_variance() -> None:
    plain, fused = _make_pair()
    old_mean, old_variance = (weight.numpy() for weight in (fused.moving_mean, fused.moving_variance))
    plain(_make_images(), training=True)
    fused(_make_images(), training=True)
    np.testing.assert_allclose(fused.moving_mean, plain.moving_mean, rtol=1e-5)
    assert not np.allclose(fused.moving_mean, old_mean, rtol=1e-3)
    unbiased = np.var(_make_images().numpy(), axis=(0, 1, 2), ddof=1)
    np.testing.assert_allclose(fused.moving_variance, 0.99 * old_variance + 0.01 * unbiased, rtol=1e-5)


def test_layer_normalization_and_its_gradients_are_those_of_keras() -> None:
    rng = np.random.default_rng(1)
    inputs, upstream = (tf.constant(rng.normal(2, 3, (5, 4, 6)), tf.float32) for _ in range(2))
    weights = [rng.uniform(0.5, 1.5, 6) for _ in range(2)]
    results = []
    for layer in (keras.layers.LayerNormalization(epsilon=1e-2), FastLayerNormalization(epsilon=1e-2)):
        layer.build(inputs.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            normed = layer(inputs)
            loss = tf.reduce_sum(normed * upstream)
        results.append([normed, *tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
