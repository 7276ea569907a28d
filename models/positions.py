"""Adds positions to patches.

Axes: batch, patches (= height x width), dim.
"""

from typing import Any

import keras
import numpy as np

from models.patch_grid import find_grid

_TEMPERATURE = 10_000  # the longest wave, in patches over 2 pi


@keras.saving.register_keras_serializable(package="tokenlearner")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position.

    Input and output shape: [batch, patches, dim].

    Reference:
        Dosovitskiy et al., arXiv 2010.11929, section 3.1.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes one vector a position."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=input_shape[1:],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns inputs + positions, [batch, patches, dim]."""
        return inputs + self.embeddings


@keras.saving.register_keras_serializable(package="tokenlearner")
class SinCosPositions2D(keras.layers.Layer):
    """Adds fixed sines and cosines of the column and of the row, at dim / 4 wavelengths each, to each patch.

    Input and output shape: [batch, patches, dim], dim a multiple of 4.

    Args:
        grid: Height and width, patches; None: they form a square.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: At build time, if dim is no multiple of 4 or the patches do not fill the grid.

    Reference:
        Beyer et al., arXiv 2205.01580; He et al., arXiv 2111.06377 (its wavelengths).
    """

    def __init__(self, grid: tuple[int, int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid = None if grid is None else (grid[0], grid[1])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Works out the vector of each position."""
        dim = input_shape[-1]
        if dim is None or dim % 4:
            raise ValueError(f"SinCosPositions2D got dim {dim}; it needs a multiple of 4")
        height, width = find_grid(input_shape[1], self.grid, "SinCosPositions2D")
        frequencies = _TEMPERATURE ** -(np.arange(dim // 4) / (dim // 4))
        rows, columns = np.divmod(np.arange(height * width), width)
        column_angles, row_angles = np.outer(columns, frequencies), np.outer(rows, frequencies)
        waves = [np.sin(column_angles), np.cos(column_angles), np.sin(row_angles), np.cos(row_angles)]
        self.positions = np.concatenate(waves, axis=1)  # [patches, dim]
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns inputs + positions, [batch, patches, dim]."""
        return inputs + keras.ops.convert_to_tensor(self.positions, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "grid": self.grid}
