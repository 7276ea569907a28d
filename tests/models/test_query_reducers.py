"""The reducers whose learned queries attend to the patches.

Axes: batch, patches, dim, tokens, heads, head_dim.
"""

import numpy as np

from models.reducers.attention_pooling import AttentionPooling
from models.reducers.patch_merger import PatchMerger
from models.reducers.reducer_layer import ReducerLayer

_PATCHES = np.random.default_rng(0).normal(2, 3, (2, 12, 6)).astype(np.float32)


def randomize(layer: ReducerLayer) -> list[np.ndarray]:
    """Builds a layer none of whose weights is zero or one, and returns them by their order, without the norm's."""
    layer.build(_PATCHES.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0.2, 0.5, weight.shape) for weight in layer.weights])
    return [weight.numpy() for weight in layer.weights if "norm" not in weight.path]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Returns weights that sum to 1 over the last axis."""
    exponentials = np.exp(scores)
    shares: np.ndarray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares


def test_patch_merger_averages_normed_patches_by_their_products_with_the_queries() -> None:
    layer = PatchMerger(5)
    [queries] = randomize(layer)
    normed = np.array(layer.layer_norm(_PATCHES))
    weights = softmax(queries @ normed.transpose(0, 2, 1) / np.sqrt(6))  # [batch, tokens, patches]
    np.testing.assert_allclose(layer(_PATCHES), weights @ normed, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.attention_weights(_PATCHES), weights.transpose(0, 2, 1), rtol=1e-4, atol=1e-6)


def test_attention_pooling_projects_what_each_head_attends_to() -> None:
    layer = AttentionPooling(5, num_heads=2, head_dim=4)
    queries, key_value, kernel, bias = randomize(layer)
    normed = np.array(layer.layer_norm(_PATCHES))
    attended, weights = [], []
    for head in range(2):
        keys, values = (normed @ key_value[:, start : start + 4] for start in (4 * head, 8 + 4 * head))
        weights.append(softmax(queries[head] @ keys.transpose(0, 2, 1) / 2))
        attended.append(weights[-1] @ values)
    tokens = np.concatenate(attended, axis=-1) @ kernel + bias
    np.testing.assert_allclose(layer(_PATCHES), tokens, rtol=1e-4, atol=1e-5)
    mean = np.mean(weights, axis=0).transpose(0, 2, 1)
    np.testing.assert_allclose(layer.attention_weights(_PATCHES), mean, rtol=1e-4, atol=1e-6)
