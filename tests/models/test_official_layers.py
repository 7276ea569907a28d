"""With the same weights our layers equal the official ones.

`official_layers.json` holds seeded inputs and weights, and the outputs of the classes TokenLearnerModule,
TokenLearnerModuleV11 and TokenFuser of google-research/scenic, projects/token_learner/model.py, at commit 4a38d475,
computed in float64 by flax 0.12.8 and jax 0.10.2.
"""

import json
import pathlib
from typing import Any

import keras
import numpy as np
import pytest

from models.reducers.token_learner import TokenLearner
from models.reducers.token_learner_v11 import TokenLearnerV11
from models.token_fuser import TokenFuser

_OFFICIAL: dict[str, Any] = json.loads(pathlib.Path(__file__).with_name("official_layers.json").read_text())
_MAX_RELATIVE_DIFFERENCE = 1e-6  # of the largest output; the exact GELU would be off by 1e-4 to 3e-4


def compute(layer: keras.layers.Layer, *inputs: np.ndarray) -> np.ndarray:
    """Returns the outputs in float64."""
    return np.asarray(layer(*inputs), np.float64)


def read(name: str) -> np.ndarray:
    return np.asarray(_OFFICIAL[name], np.float32)


def assert_official(name: str, outputs: np.ndarray) -> None:
    official = np.asarray(_OFFICIAL[name]["outputs"])
    assert outputs.shape == official.shape
    assert np.abs(outputs - official).max() / np.abs(official).max() <= _MAX_RELATIVE_DIFFERENCE


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("token_learner_sum", TokenLearner(3, pooling="sum")),
        ("token_learner_mean", TokenLearner(3, pooling="mean")),
        ("token_learner_v11", TokenLearnerV11(3, bottleneck_dim=5)),
    ],
)
def test_a_token_learner_with_the_official_weights_emits_the_official_tokens(
    name: str, layer: keras.layers.Layer
) -> None:
    patches = read("patches")
    layer.build(patches.shape)
    layer.set_weights([np.asarray(weight, np.float32) for weight in _OFFICIAL[name]["weights"].values()])
    assert_official(name, compute(layer, patches))


def test_a_token_fuser_with_the_official_weights_puts_back_what_the_official_one_does() -> None:
    tokens, patches = read("tokens"), read("patches")
    layer = TokenFuser(bottleneck_dim=5)
    layer.build(tokens.shape, patches.shape)
    weights = _OFFICIAL["token_fuser"]["weights"]
    assert len(weights) == len(layer.weights)
    for weight in layer.weights:
        weight.assign(weights[weight.path.partition("/")[2]])
    assert_official("token_fuser", compute(layer, tokens, patches))
