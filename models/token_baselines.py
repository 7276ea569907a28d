"""Controls for the TokenLearner: as few tokens, and nothing learnt about where to look.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras
import numpy as np

from models.patch_grid import find_grid
from models.vit_config import tile_grid


class _TokenBaseline(keras.layers.Layer):
    """What the controls share: the number of tokens, and the shape that follows from it."""

    def __init__(self, num_tokens: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_tokens < 1:
            raise ValueError(f"num_tokens is {num_tokens}; it must be at least 1")
        self.num_tokens = num_tokens

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that there are enough patches in [batch, patches, dim]."""
        patches = input_shape[1]
        if patches is None or self.num_tokens > patches:
            raise ValueError(
                f"num_tokens is {self.num_tokens}; {type(self).__name__} cannot take that many from {patches} patches"
            )
        super().build(input_shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return (input_shape[0], self.num_tokens, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "num_tokens": self.num_tokens}


@keras.saving.register_keras_serializable(package="tokenlearner")
class AveragePoolingTokens(_TokenBaseline):
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


@keras.saving.register_keras_serializable(package="tokenlearner")
class RandomTokens(_TokenBaseline):
    """Emits the patches at positions drawn once from a seed, the same for all images, in their order on the grid.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        seed: Of the draw, 0..2**32-1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.
    """

    def __init__(self, num_tokens: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(num_tokens, **kwargs)
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Draws the positions."""
        super().build(input_shape)
        patches = input_shape[1]
        assert patches is not None
        # RandomState, because numpy froze its streams: a saved model draws the same positions in any later version.
        drawn = np.random.RandomState(self.seed).permutation(patches)[: self.num_tokens]
        self.positions = np.sort(drawn).astype(np.int32)

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        return keras.ops.take(inputs, self.positions, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="tokenlearner")
class TopKNormTokens(_TokenBaseline):
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
