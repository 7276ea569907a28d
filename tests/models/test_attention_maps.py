"""The attention maps are those by which the first TokenLearner of a network makes its tokens.

Axes: batch, height, width, patches, tokens, dim.
"""

import dataclasses
import pathlib
from typing import Any

import keras
import numpy as np
import pytest

from models.attention_maps import build_attention_model, has_attention_maps
from models.vit import build_vit
from models.vit_config import ViTConfig

_CONFIG = ViTConfig(
    image_size=12,
    patch_size=2,
    dim=8,
    depth=2,
    num_heads=2,
    mlp_dims=(12,),
    num_classes=5,
    token_reducer="token_learner",
    blocks_before_token_learner=1,
    num_tokens=3,
)
_IMAGES = np.random.default_rng(0).normal(size=(4, 12, 12, 3)).astype(np.float32)


def make_model(**changes: Any) -> keras.Model:
    """Returns a network as if trained: none of its weights is zero or one."""
    model = build_vit(dataclasses.replace(_CONFIG, **changes))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0.1, 0.3, weight.shape) for weight in model.get_weights()])
    return model


def attention_maps(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Returns the maps, [batch, tokens, height, width]."""
    assert has_attention_maps(model)
    return np.array(build_attention_model(model)(images, training=False))


@pytest.mark.parametrize(
    ("reducer", "divisor"),
    [("token_learner", 36), ("token_learner_v11", 1)],  # version 1 divides its sum by the patches
)
@pytest.mark.parametrize("fused", [False, True])
def test_tokens_are_patches_weighted_by_the_maps_of_the_first_token_learner(
    reducer: str, divisor: int, fused: bool, tmp_path: pathlib.Path
) -> None:
    model = make_model(token_reducer=reducer, use_token_fuser=fused, dropout_rate=0.3, depth=3)
    layer = model.get_layer("token_learner_1" if fused else "token_learner")
    maps = attention_maps(model, _IMAGES)
    assert (maps.shape, maps.dtype) == ((4, 3, 6, 6), np.float32)
    assert maps.min() >= 0
    assert maps.max() <= 1
    if reducer == "token_learner_v11":
        np.testing.assert_allclose(maps.sum(axis=(2, 3)), np.ones((4, 3)), rtol=1e-5)
    patches, tokens = keras.Model(model.input, [layer.input, layer.output])(_IMAGES)
    patches = np.array(patches).reshape(4, 6, 6, 8)
    np.testing.assert_allclose(np.einsum("bthw,bhwd->btd", maps, patches) / divisor, tokens, rtol=1e-3, atol=1e-4)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(attention_maps(keras.saving.load_model(tmp_path / "model.keras"), _IMAGES), maps)


@pytest.mark.parametrize("reducer", [None, "average_pooling"])
def test_a_model_without_a_learned_reducer_is_rejected(reducer: str | None) -> None:
    changes = {} if reducer else {"blocks_before_token_learner": None, "num_tokens": None}
    model = make_model(token_reducer=reducer, **changes)
    assert not has_attention_maps(model)
    with pytest.raises(ValueError, match=r"^the model 'vit' has no token reducer with attention maps"):
        build_attention_model(model)
