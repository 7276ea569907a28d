"""Top-k by norm: the patches of largest Euclidean norm.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class TopKNormTokens(ReducerLayer):
    """Emits the patches of largest Euclidean norm, the largest first.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.
    """

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        _, patches, dim = inputs.shape
        squares = keras.ops.square(keras.ops.cast(inputs, "float32"))  # of halves, they might overflow
        _, positions = keras.ops.top_k(keras.ops.sum(squares, axis=-1), self.num_tokens)  # [batch, tokens]
        # From all patches of all images in a row: a gather for each image by itself takes five times the operations.
        starts = keras.ops.arange(keras.ops.shape(inputs)[0], dtype="int32") * patches
        rows = keras.ops.cast(positions, "int32") + keras.ops.expand_dims(starts, 1)
        return keras.ops.take(keras.ops.reshape(inputs, (-1, dim)), rows, axis=0)
