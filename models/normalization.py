"""Batch normalization by TensorFlow's fused operation."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tokenlearner")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization over the channels of images, as one operation with one gradient.

    Keras 3 uses a dozen element-wise operations, which costs a small network's training a tenth of its speed. Weights,
    moving averages and results are Keras's, except that the moving variance averages the unbiased variance of batches.

    Where devices share a batch, each normalizes by the statistics of its share, and all keep the mean of these.

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
            of_batches = _average_over_replicas([outputs.batch_mean, outputs.batch_variance])
            for moving, of_batch in zip((self.moving_mean, self.moving_variance), of_batches, strict=True):
                moving.assign(moving * self.momentum + of_batch * (1 - self.momentum))
        return outputs.y

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**keras.layers.Layer.get_config(self), "momentum": self.momentum, "epsilon": self.epsilon}


def _average_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
