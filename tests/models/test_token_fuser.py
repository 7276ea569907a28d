"""The TokenFuser follows its equation.

Axes: batch, tokens, patches, dim.
"""

import numpy as np
import pytest
from reference_math import bottleneck_mlp, layer_norm, sigmoid

from models.token_fuser import TokenFuser

_TOKENS, _PATCHES, _DIM = 3, 10, 6


@pytest.fixture
def fuser() -> TokenFuser:
    fuser = TokenFuser(bottleneck_dim=5, dropout_rate=0.5)
    fuser.build((None, _TOKENS, _DIM), (None, _PATCHES, _DIM))
    return fuser


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).normal(1, 2, (2, _TOKENS, _DIM)).astype(np.float32)


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(1).normal(1, 2, (2, _PATCHES, _DIM)).astype(np.float32)


def test_each_patch_gets_its_share_of_each_mixed_token(
    fuser: TokenFuser, tokens: np.ndarray, patches: np.ndarray
) -> None:
    np.testing.assert_array_equal(fuser(tokens, patches), np.zeros_like(patches))  # untrained
    rng = np.random.default_rng(2)
    fuser.set_weights([rng.normal(0.2, 0.5, weight.shape) for weight in fuser.get_weights()])
    weights = {weight.path.partition("/")[2]: weight.numpy().astype(np.float64) for weight in fuser.weights}
    normed = layer_norm(tokens, weights["input_norm/gamma"], weights["input_norm/beta"])
    mixed = np.einsum("btd,ts->bsd", normed, weights["mixing_kernel"])
    mixed = layer_norm(mixed, weights["mixed_norm/gamma"], weights["mixed_norm/beta"])
    normed_patches = layer_norm(patches, weights["patch_norm/gamma"], weights["patch_norm/beta"])
    mlp = [weights[f"token_masking/{layer}/{kind}"] for layer in ("hidden_0", "output") for kind in ("kernel", "bias")]
    shares = sigmoid(bottleneck_mlp(normed_patches, mlp))
    assert mlp[0].shape == (_DIM, 5)
    np.testing.assert_allclose(fuser(tokens, patches), shares @ mixed, rtol=1e-3, atol=1e-4)


def test_dropout_acts_in_training_alone(fuser: TokenFuser, tokens: np.ndarray, patches: np.ndarray) -> None:
    fuser.set_weights([np.ones_like(weight) / 2 for weight in fuser.get_weights()])
    fused = np.array(fuser(tokens, patches, training=False))
    np.testing.assert_array_equal(fused, fuser(tokens, patches))
    assert (fused != 0).all()
    dropped = np.mean(np.array(fuser(tokens, patches, training=True)) == 0)
    assert 0.3 < dropped < 0.7
