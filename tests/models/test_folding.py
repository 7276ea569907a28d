"""Folded batch norms."""

import dataclasses

import keras
import numpy as np
import pytest

from models.folding import fold_batch_norm
from models.presets import PRESETS
from models.vit import build_vit
from models.vit_config import Stem


@pytest.mark.parametrize("stem", ["residual", "convolution"])
def test_a_folded_network_infers_what_the_trained_one_does(stem: Stem) -> None:
    """With weights unlike those of a new network, whose batch norms do nothing."""
    network = dataclasses.replace(
        PRESETS["residual_stem"],
        stem=stem,
        dropout_rate=0.1,
        token_reducer="token_learner_v11",
        blocks_before_token_learner=1,
        num_tokens=4,
    )
    rng = np.random.default_rng(1)
    model = build_vit(network)
    for layer in model.layers:
        if "norm" in layer.name and layer.name.startswith("stem"):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    folded = fold_batch_norm(network, model)
    images = rng.normal(size=(3, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(folded(images), model(images), rtol=1e-4, atol=1e-5)
    assert [layer.name for layer in folded.layers if "norm" in layer.name and "stem" in layer.name] == []
    for layer in folded.layers:
        if isinstance(layer, keras.layers.Conv2D) and stem == "residual":
            assert np.abs(layer.bias).max() > 0.1
