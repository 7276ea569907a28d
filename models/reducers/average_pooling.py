"""Average pooling: the mean patch of each tile of the grid.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.patch_grid import find_grid, tile_grid
from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class AveragePoolingTokens(ReducerLayer):
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

    def __init__(self, num_tokens: int, grid: tuple[int, int] | None = None, **kwargs: Any) -> None:
        super().__init__(num_tokens, **kwargs)
        self.grid = None if grid is None else (grid[0], grid[1])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Cuts the grid."""
        height, width = find_grid(input_shape[1], self.grid, "AveragePoolingTokens")
        tiles = tile_grid(height, width, self.num_tokens)
        if tiles is None:
            raise ValueError(
                f"num_tokens is {self.num_tokens}; AveragePoolingTokens cannot cut {height} x {width} patches "
                "into that many equal rectangles"
            )
        rows, columns = tiles
        self.tiled_shape = (-1, rows, height // rows, columns, width // columns, input_shape[-1])
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        means = keras.ops.mean(keras.ops.reshape(inputs, self.tiled_shape), axis=(2, 4))  # [batch, rows, columns, dim]
        return keras.ops.reshape(means, (-1, self.num_tokens, inputs.shape[-1]))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "grid": self.grid}
