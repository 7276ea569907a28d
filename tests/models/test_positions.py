"""Positions are those of the papers."""

import numpy as np
import pytest

from models.positions import PositionEmbedding, SinCosPositions2D


def test_each_position_gets_a_vector_of_its_own() -> None:
    layer = PositionEmbedding()
    layer.build((None, 4, 3))
    positions = np.arange(12, dtype=np.float32).reshape(4, 3)
    layer.set_weights([positions])
    inputs = np.full((2, 4, 3), 100, np.float32)
    np.testing.assert_array_equal(layer(inputs), [positions + 100, positions + 100])


def test_fixed_positions_are_sines_and_cosines_of_column_and_row() -> None:
    layer = SinCosPositions2D(grid=(2, 3))
    positions = np.array(layer(np.full((1, 6, 8), 100, np.float32)))[0] - 100
    for position in range(6):
        row, column = divmod(position, 3)
        angles = [(column, 1), (column, 0.01), (row, 1), (row, 0.01)]  # 10,000 to the power of 0 and -1/2
        sines, cosines = np.sin([a * b for a, b in angles]), np.cos([a * b for a, b in angles])
        expected = [*sines[:2], *cosines[:2], *sines[2:], *cosines[2:]]
        np.testing.assert_allclose(positions[position], expected, atol=2e-5)
    assert layer.weights == []


def test_shapes_without_fixed_positions_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"^SinCosPositions2D got dim 6; it needs a multiple of 4$"):
        SinCosPositions2D().build((None, 16, 6))
    with pytest.raises(ValueError, match=r"^SinCosPositions2D got 15 patches, which form no square; give grid="):
        SinCosPositions2D().build((None, 15, 8))
