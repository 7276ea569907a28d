"""Pools all tokens into one vector, which is classified.

Axes: batch, tokens, dim.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
class SequencePooling(keras.layers.Layer):
    """Averages the tokens, each weighted by a softmax over learned scores of all of them.

    Input shape: [batch, tokens, dim].
    Output shape: [batch, dim].

    Reference:
        Hassani et al., arXiv 2104.05704, section 3.3.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, tokens, dim]."""
        self.score = keras.layers.Dense(1, name="score", dtype=self.dtype_policy)
        self.score.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns one vector an image, [batch, dim]."""
        weights = keras.ops.softmax(self.score(inputs), axis=1)  # [batch, tokens, 1]
        # A matrix product: TensorFlow Lite has no einsum that sums over an axis of one operand alone.
        pooled = keras.ops.matmul(keras.ops.transpose(weights, (0, 2, 1)), inputs)  # [batch, 1, dim]
        return keras.ops.squeeze(pooled, axis=1)
