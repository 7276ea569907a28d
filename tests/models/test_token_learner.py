"""Both TokenLearners follow their equations.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras
import numpy as np
import pytest
from reference_math import bottleneck_mlp, convolve, gelu, layer_norm, sigmoid, softmax

from models.reducers.token_learner import TokenLearner
from models.reducers.token_learner_v11 import TokenLearnerV11

_BATCH, _SIDE, _DIM, _TOKENS = 2, 4, 6, 3


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, (_BATCH, _SIDE**2, _DIM)).astype(np.float32)


def randomize(layer: keras.layers.Layer, patches: np.ndarray) -> Any:
    """Builds a layer none of whose weights is zero or one."""
    layer.build(patches.shape)
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(0.2, 0.5, weight.shape) for weight in layer.weights])
    return layer


@pytest.fixture
def layer(patches: np.ndarray) -> TokenLearner:
    return randomize(TokenLearner(_TOKENS), patches)


def learn_maps(patches: np.ndarray, weights: list[np.ndarray], height: int = _SIDE, width: int = _SIDE) -> np.ndarray:
    """Returns the maps of version 1 by the paper's equation, float64 [batch, patches, tokens]."""
    gamma, beta, *kernels = (weight.astype(np.float64) for weight in weights)
    maps = layer_norm(patches.astype(np.float64), gamma, beta).reshape(len(patches), height, width, -1)
    for kernel in kernels[:3]:
        maps = gelu(convolve(maps, kernel))
    return sigmoid(convolve(maps, kernels[3])).reshape(len(patches), height * width, -1)


def learn_tokens(patches: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Returns the tokens of version 1 with mean pooling."""
    maps = learn_maps(patches, weights)
    return np.stack([(patches * maps[..., [i]]).mean(axis=1) for i in range(maps.shape[-1])], axis=1)


def test_each_token_is_the_mean_of_the_patches_weighed_by_its_attention_map(
    layer: TokenLearner, patches: np.ndarray
) -> None:
    expected = learn_tokens(patches, layer.get_weights())
    assert expected.shape == (_BATCH, _TOKENS, _DIM)
    np.testing.assert_allclose(layer(patches), expected, rtol=1e-4, atol=1e-5)


def test_the_layer_norm_is_protected_by_an_epsilon_of_a_millionth(layer: TokenLearner, patches: np.ndarray) -> None:
    faint = patches / 3000  # its variance is about the epsilon
    np.testing.assert_allclose(layer(faint), learn_tokens(faint, layer.get_weights()), rtol=1e-3, atol=1e-8)


def test_patches_may_form_a_grid_that_is_no_square(patches: np.ndarray) -> None:
    grid = (2, 8)
    layer = randomize(TokenLearner(_TOKENS, grid=grid), patches)
    maps = np.array(layer.attention_weights(patches))
    np.testing.assert_allclose(maps, learn_maps(patches, layer.get_weights(), *grid), rtol=1e-3, atol=1e-5)
    assert np.abs(maps - learn_maps(patches, layer.get_weights())).max() > 0.1


def test_version_1_1_weighs_patches_by_a_softmax_over_space_of_an_mlp(patches: np.ndarray) -> None:
    layer = randomize(TokenLearnerV11(_TOKENS, bottleneck_dim=5), patches)
    gamma, beta, *mlp = (weight.astype(np.float64) for weight in layer.get_weights())
    maps = softmax(bottleneck_mlp(layer_norm(patches.astype(np.float64), gamma, beta), mlp), axis=1)
    np.testing.assert_allclose(layer.attention_weights(patches), maps, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(layer(patches), np.einsum("bpt,bpd->btd", maps, patches), rtol=1e-3, atol=1e-4)


def test_version_1_1_drops_units_of_its_mlp_in_training_alone(patches: np.ndarray) -> None:
    layer = randomize(TokenLearnerV11(_TOKENS, dropout_rate=0.5), patches)
    np.testing.assert_array_equal(layer(patches, training=False), layer(patches))
    assert np.abs(np.array(layer(patches, training=True)) - layer(patches)).max() > 0.1


def test_another_pooling_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^pooling is 'max'; it must be one of \('mean', 'sum'\)$"):
        TokenLearner(_TOKENS, pooling="max")


def test_a_grid_that_the_patches_do_not_form_is_rejected() -> None:
    with pytest.raises(
        ValueError, match=r"^TokenLearner got 15 patches, which form no square; give grid=\(height, width\)$"
    ):
        TokenLearner(_TOKENS).build((None, 15, _DIM))
    with pytest.raises(ValueError, match=r"^TokenLearner got 15 patches, but grid \(height, width\) is \(4, 4\)$"):
        TokenLearner(_TOKENS, grid=(4, 4)).build((None, 15, _DIM))
    with pytest.raises(ValueError, match=r"^TokenLearner got an unknown number of patches; give the model a fixed"):
        TokenLearner(_TOKENS, grid=(4, 4)).build((None, None, _DIM))
