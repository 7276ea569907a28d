"""Positions are those of the papers."""

import numpy as np

from models.positions import PositionEmbedding


def test_each_position_gets_a_vector_of_its_own() -> None:
    layer = PositionEmbedding()
    layer.build((None, 4, 3))
    positions = np.arange(12, dtype=np.float32).reshape(4, 3)
    layer.set_weights([positions])
    inputs = np.full((2, 4, 3), 100, np.float32)
    np.testing.assert_array_equal(layer(inputs), [positions + 100, positions + 100])
