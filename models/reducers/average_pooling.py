"""Average pooling: the mean patch of each tile of the grid.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.reducers.tiled_layer import TiledLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class AveragePoolingTokens(TiledLayer):
    """Cuts the grid of patches into equal rectangles and emits the mean patch of each, row by row.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        grid: Height and width, patches; None: they form a square.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time if the grid has no such rectangles.
    """

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        means = keras.ops.mean(self.split(inputs), axis=(2, 4))  # [batch, rows, columns, dim]
        return keras.ops.reshape(means, (-1, self.num_tokens, inputs.shape[-1]))
