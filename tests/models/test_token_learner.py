"""Grid, dropout and rejected arguments of both TokenLearners; `test_official_layers.py` compares their tokens.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras
import numpy as np
import pytest

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


def test_patches_may_form_a_grid_that_is_no_square(patches: np.ndarray) -> None:
    wide, high = (randomize(TokenLearner(_TOKENS, grid=grid), patches) for grid in ((2, 8), (8, 2)))
    high.set_weights([np.swapaxes(each, 0, 1) if each.ndim == 4 else each for each in wide.get_weights()])
    turned = patches.reshape(_BATCH, 2, 8, _DIM).swapaxes(1, 2).reshape(patches.shape)
    np.testing.assert_allclose(high(turned), wide(patches), rtol=1e-4, atol=1e-5)
    assert wide.layer_norm.epsilon == 1e-6


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
