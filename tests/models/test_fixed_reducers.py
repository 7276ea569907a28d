"""Reducers that do not learn where to look, and know nothing of what is on the patches but its norm.

Axes: batch, patches (= height x width), dim, tokens.
"""

import numpy as np
import pytest

from models.reducers.average_pooling import AveragePoolingTokens
from models.reducers.random_selection import RandomTokens
from models.reducers.space_to_channel import SpaceToChannelTokens
from models.reducers.top_k_norm import TopKNormTokens


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 24, 3)).astype(np.float32)


def test_average_pooling_emits_the_mean_of_each_rectangle_row_by_row(patches: np.ndarray) -> None:
    grid = patches.reshape(2, 4, 6, 3)
    means = [grid[:, row : row + 2, column : column + 2].mean(axis=(1, 2)) for row in (0, 2) for column in (0, 2, 4)]
    layer = AveragePoolingTokens(6, grid=(4, 6))
    np.testing.assert_allclose(layer(patches), np.stack(means, axis=1), rtol=1e-5, atol=1e-6)


def test_average_pooling_works_on_a_square_without_a_grid() -> None:
    square = np.random.default_rng(0).normal(size=(2, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(AveragePoolingTokens(64)(square), square)
    tokens = np.array(AveragePoolingTokens(8)(square))
    np.testing.assert_allclose(tokens.mean(axis=1), square.mean(axis=1), rtol=1e-4, atol=1e-6)


def test_random_selection_emits_distinct_patches_in_their_order_by_the_seed_alone(patches: np.ndarray) -> None:
    positions = [10, 11, 14, 20, 22]  # a saved model relies on these never changing
    np.testing.assert_array_equal(RandomTokens(5)(patches, training=True), patches[:, positions])
    layers = [RandomTokens(5, seed=seed) for seed in range(20)]
    for layer in layers:
        layer.build(patches.shape)
        assert (np.diff(layer.positions) > 0).all()
    assert len({tuple(layer.positions) for layer in layers}) >= 19


def test_top_k_emits_the_patches_of_largest_norm_the_largest_first(patches: np.ndarray) -> None:
    norms = np.linalg.norm(patches, axis=-1)
    order = np.argsort(-norms, axis=1)[:, :5]
    np.testing.assert_array_equal(TopKNormTokens(5)(patches), np.take_along_axis(patches, order[..., None], axis=1))
    assert order[0].tolist() != order[1].tolist()


def test_top_k_ranks_halves_whose_squares_would_overflow() -> None:
    large = np.array([[[300, 0], [400, 0], [500, 0]]], np.float16)  # 300**2 is more than a half can hold
    np.testing.assert_array_equal(TopKNormTokens(2, dtype="float16")(large), [[[500, 0], [400, 0]]])


def test_numbers_of_tokens_that_a_layer_cannot_emit_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"^num_tokens is 0; it must be at least 1$"):
        TopKNormTokens(0)
    with pytest.raises(ValueError, match=r"^num_tokens is 9; RandomTokens cannot take that many from 8 patches$"):
        RandomTokens(9).build((None, 8, 3))
    with pytest.raises(ValueError, match=r"^num_tokens is 5; AveragePoolingTokens cannot cut 8 x 8 patches into that"):
        AveragePoolingTokens(5).build((None, 64, 3))


def test_space_to_channel_projects_the_patches_of_each_rectangle_row_by_row(patches: np.ndarray) -> None:
    layer = SpaceToChannelTokens(6, grid=(4, 6))
    layer.build(patches.shape)
    rng = np.random.default_rng(1)
    kernel, bias = (rng.normal(size=weight.shape).astype(np.float32) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    grid = patches.reshape(2, 4, 6, 3)
    tiles = [grid[:, row : row + 2, column : column + 2] for row in (0, 2) for column in (0, 2, 4)]
    tokens = [tile.reshape(2, 12) @ kernel + bias for tile in tiles]
    np.testing.assert_allclose(layer(patches), np.stack(tokens, axis=1), rtol=1e-4, atol=1e-5)
