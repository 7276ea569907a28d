"""Batch and layer normalization in fewer operations than Keras's own."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tokenlearner")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization over the channels of images, as one operation with one gradient.

    Keras 3 uses a dozen element-wise operations, which costs a small network's training a tenth of its speed. Weights,
    moving averages and results are Keras's, except that the moving variance averages the unbiased variance of batches.

    Input and output shape: [batch, height, width, channels].

    Args:
        momentum: Of the moving averages, 0..1.
        epsilon: Added to the variance.
        **kwargs: Of `keras.layers.Layer`.

    Reference:
        Ioffe and Szegedy, arXiv 1502.03167, algorithms 1 and 2.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(axis=-1, momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002
        """Returns the normalized images, by the batch's own mean and variance while training."""
        by_batch = bool(training) and self.trainable
        outputs = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.convert_to_tensor(self.moving_mean),
            variance=tf.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=by_batch,
        )
        if by_batch:
            of_batch = (outputs.batch_mean, outputs.batch_variance)
            for moving, new in zip((self.moving_mean, self.moving_variance), of_batch, strict=True):
                moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs.y

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**keras.layers.Layer.get_config(self), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="tokenlearner")
class FastLayerNormalization(keras.layers.LayerNormalization):
    """Keras's layer normalization over the last axis, with a gradient in a dozen operations.

    TensorFlow derives twice as many, and a third of a small network's training is element-wise operations. Weights and
    results are Keras's.

    Input and output shape: [..., dim].

    Args:
        epsilon: Added to the variance.
        **kwargs: Of `keras.layers.Layer`.

    Reference:
        Ba et al., arXiv 1607.06450.
    """

    def __init__(self, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(axis=-1, epsilon=epsilon, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Returns the normalized inputs; the statistics are float32 for any type of inputs."""
        outputs = _normalize(
            tf.cast(inputs, tf.float32),
            tf.cast(tf.convert_to_tensor(self.gamma), tf.float32),
            tf.cast(tf.convert_to_tensor(self.beta), tf.float32),
            self.epsilon,
        )
        return tf.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**keras.layers.Layer.get_config(self), "epsilon": self.epsilon}


def _normalize(inputs: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> tf.Tensor:
    @tf.custom_gradient
    def normalize(
        x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
        centered = x - _mean(x)
        inverse_deviation = tf.math.rsqrt(_mean(tf.square(centered)) + epsilon)
        normalized = centered * inverse_deviation

        def backpropagate(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            others = list(range(len(upstream.shape) - 1))
            of_scale = tf.reduce_sum(upstream * normalized, axis=others)
            of_normalized = upstream * scale
            across = of_normalized - normalized * _mean(of_normalized * normalized)
            of_x = (across - _mean(of_normalized)) * inverse_deviation
            return of_x, of_scale, tf.reduce_sum(upstream, axis=others)

        return normalized * scale + offset, backpropagate

    return normalize(inputs, scale, offset)


def _mean(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(x, axis=-1, keepdims=True)
