"""The base class of the token reducers that work on tiles of the grid.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.patch_grid import find_grid, tile_grid
from models.reducers.reducer_layer import ReducerLayer


class TiledLayer(ReducerLayer):
    """A layer that cuts the grid of patches into equal rectangles and emits one token for each, row by row.

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
        height, width = find_grid(input_shape[1], self.grid, type(self).__name__)
        tiles = tile_grid(height, width, self.num_tokens)
        if tiles is None:
            raise ValueError(
                f"num_tokens is {self.num_tokens}; {type(self).__name__} cannot cut {height} x {width} patches "
                "into that many equal rectangles"
            )
        rows, columns = tiles
        self.tiled_shape = (-1, rows, height // rows, columns, width // columns, input_shape[-1])
        super().build(input_shape)

    def split(self, inputs: Any) -> Any:
        """Returns the patches of each tile, [batch, rows, height of a tile, columns, width of a tile, dim]."""
        return keras.ops.reshape(inputs, self.tiled_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "grid": self.grid}
