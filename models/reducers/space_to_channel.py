"""Space to channel: a dense layer on the concatenated patches of each tile of the grid.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.reducers.tiled_layer import TiledLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class SpaceToChannelTokens(TiledLayer):
    """Concatenates the patches of each rectangle of the grid and projects them to one token, row by row.

    The dense layer is the same for all rectangles: all that it learns about a patch is its place in the rectangle.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        grid: Height and width, patches; None: they form a square.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time if the grid has no such rectangles.

    Reference:
        Liu et al., "NVILA", arXiv 2412.04468.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        super().build(input_shape)
        _, patches, dim = input_shape
        assert patches is not None
        assert dim is not None
        self.width = patches // self.num_tokens * dim  # channels of a tile
        self.projection = keras.layers.Dense(dim, name="projection", dtype=self.dtype_policy)
        self.projection.build((None, self.width))

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        tiles = keras.ops.transpose(self.split(inputs), (0, 1, 3, 2, 4, 5))
        tokens = self.projection(keras.ops.reshape(tiles, (-1, self.width)))  # [batch x tokens, dim]
        return keras.ops.reshape(tokens, (-1, self.num_tokens, inputs.shape[-1]))
