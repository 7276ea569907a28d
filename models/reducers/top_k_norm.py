"""Top-k by norm: the patches of largest Euclidean norm.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.reducers.reducer_layer import ReducerLayer, take_patches


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
        squares = keras.ops.square(keras.ops.cast(inputs, "float32"))  # of halves, they might overflow
        _, positions = keras.ops.top_k(keras.ops.sum(squares, axis=-1), self.num_tokens)  # [batch, tokens]
        return take_patches(inputs, positions)
