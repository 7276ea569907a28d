"""The controls average or select patches, and know nothing of what is on them but its norm.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import numpy as np
import pytest

from models.reducers.average_pooling import AveragePoolingTokens
from models.reducers.random_selection import RandomTokens
from models.reducers.top_k_norm import TopKNormTokens


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 24, 3)).astype(np.float32)


def test_average_pooling_emits_the_mean_of_each_rectangle_row_by_row(patches: np.ndarray) -> None:
    grid = patches.reshape(2, 4, 6, 3)
    means = [grid[:, row : row + 2, column : column + 2].mean(axis=(1, 2)) for row in (0, 2) for column in (0, 2, 4)]
    layer = AveragePoolingTokens(6, grid=(4, 6))
    np.testing.assert_allclose(layer(patches), np.stack(means, axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("num_tokens", "patches_a_token"), [(1, 64), (8, 8), (64, 1)])
def test_average_pooling_works_on_a_square_without_a_grid(num_tokens: int, patches_a_token: int) -> None:
    square = np.random.default_rng(0).normal(size=(2, 64, 3)).astype(np.float32)
    tokens = np.array(AveragePoolingTokens(num_tokens)(square))
    assert tokens.shape == (2, num_tokens, 3)
    np.testing.assert_allclose(tokens.mean(axis=1), square.mean(axis=1), rtol=1e-4, atol=1e-6)
    if patches_a_token == 1:
        np.testing.assert_array_equal(tokens, square)


@pytest.mark.parametrize("num_tokens", [1, 5, 24])
def test_random_selection_emits_distinct_patches_in_their_order(num_tokens: int, patches: np.ndarray) -> None:
    layer = RandomTokens(num_tokens, seed=3)
    tokens = np.array(layer(patches))
    positions = layer.positions
    assert len(positions) == num_tokens
    assert (np.diff(positions) > 0).all()
    np.testing.assert_array_equal(tokens, patches[:, positions])
    np.testing.assert_array_equal(layer(patches, training=True), tokens)


def test_random_selection_depends_on_its_seed_alone(patches: np.ndarray) -> None:
    def select(seed: int) -> list[int]:
        layer = RandomTokens(5, seed=seed)
        layer.build(patches.shape)
        return layer.positions.tolist()

    assert select(0) == select(0) == [10, 11, 14, 20, 22]  # a saved model relies on these never changing
    assert len({tuple(select(seed)) for seed in range(20)}) >= 19


def test_all_patches_are_about_equally_likely_to_be_selected(patches: np.ndarray) -> None:
    counts = np.zeros(24)
    for seed in range(500):
        layer = RandomTokens(6, seed=seed)
        layer.build(patches.shape)
        counts[layer.positions] += 1
    assert counts.sum() == 3000
    assert np.abs(counts - 125).max() < 5 * np.sqrt(500 * 0.25 * 0.75)  # five standard deviations


def test_top_k_emits_the_patches_of_largest_norm_the_largest_first(patches: np.ndarray) -> None:
    norms = np.linalg.norm(patches, axis=-1)
    order = np.argsort(-norms, axis=1)[:, :5]
    np.testing.assert_array_equal(TopKNormTokens(5)(patches), np.take_along_axis(patches, order[..., None], axis=1))
    assert order[0].tolist() != order[1].tolist()


def test_top_k_passes_gradients_to_the_patches_that_it_emits_alone(patches: np.ndarray) -> None:
    import tensorflow as tf

    inputs = tf.constant(patches)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(TopKNormTokens(5)(inputs))
    gradient = np.array(tf.convert_to_tensor(tape.gradient(total, inputs)))
    norms = np.linalg.norm(patches, axis=-1)
    emitted = norms >= np.sort(norms, axis=1)[:, [-5]]
    np.testing.assert_array_equal(gradient, np.repeat(emitted[..., None], 3, axis=-1).astype(np.float32))


def test_top_k_ranks_halves_whose_squares_would_overflow() -> None:
    large = np.array([[[300, 0], [400, 0], [500, 0]]], np.float16)  # 300**2 is more than a half can hold
    np.testing.assert_array_equal(TopKNormTokens(2, dtype="float16")(large), [[[500, 0], [400, 0]]])


@pytest.mark.parametrize("layer_class", [AveragePoolingTokens, RandomTokens, TopKNormTokens])
@pytest.mark.parametrize("num_tokens", [0, -2])
def test_fewer_than_one_token_is_rejected(layer_class: type, num_tokens: int) -> None:
    with pytest.raises(ValueError, match=f"^num_tokens is {num_tokens}; it must be at least 1$"):
        layer_class(num_tokens)


@pytest.mark.parametrize("layer_class", [RandomTokens, TopKNormTokens])
@pytest.mark.parametrize("patches", [8, None])
def test_more_tokens_than_patches_are_rejected(layer_class: Any, patches: int | None) -> None:
    message = f"^num_tokens is 9; {layer_class.__name__} cannot take that many from {patches} patches$"
    with pytest.raises(ValueError, match=message):
        layer_class(9).build((None, patches, 3))


@pytest.mark.parametrize(
    ("num_tokens", "grid", "patches", "message"),
    [
        (5, None, 64, "num_tokens is 5; AveragePoolingTokens cannot cut 8 x 8 patches into that many equal rectangles"),
        (3, (2, 4), 8, "num_tokens is 3; AveragePoolingTokens cannot cut 2 x 4 patches into that many equal rectang"),
        (4, None, 15, "AveragePoolingTokens got 15 patches, which fill no square; give grid="),
        (4, (3, 4), 15, "AveragePoolingTokens got 15 patches, and grid is "),
    ],
)
def test_a_grid_without_such_rectangles_is_rejected(
    num_tokens: int, grid: tuple[int, int] | None, patches: int, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        AveragePoolingTokens(num_tokens, grid=grid).build((None, patches, 3))
