"""GELU and its gradient equal Keras's."""

import keras
import numpy as np
import tensorflow as tf

from models.activations import gelu


def test_values_and_gradient_are_those_of_the_tanh_approximation() -> None:
    x = tf.constant(np.linspace(-8, 8, 401), tf.float32)
    results = []
    for activation in (gelu, lambda values: keras.activations.gelu(values, approximate=True)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            activated = activation(x)
            loss = tf.reduce_sum(activated * tf.sin(x))
        results.append((activated, tape.gradient(loss, x)))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
