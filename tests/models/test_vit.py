"""The Vision Transformer has the order and the behavior that its config describes.

Axes: batch, height, width, channels, patches, tokens, dim.
"""

import dataclasses
import pathlib
import random
from typing import Any

import keras
import numpy as np
import pytest

from models.reducers.registry import REDUCERS
from models.vit import build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)
_LEARNER = {"token_reducer": "token_learner", "blocks_before_token_learner": 2, "num_tokens": 4}
_FUSER = {**_LEARNER, "blocks_before_token_learner": 1, "use_token_fuser": True, "token_bottleneck_dim": 7}


def make_images(count: int) -> np.ndarray:
    """Returns noise, float32 [count, 16, 16, 3]."""
    return np.random.default_rng(0).normal(size=(count, 16, 16, 3)).astype(np.float32)


def make_model(**changes: Any) -> keras.Model:
    """Returns a small network, the same at each call."""
    random.seed(1)  # from which Keras draws the seeds of initializers
    return build_vit(dataclasses.replace(_PLAIN, **changes))


@pytest.mark.parametrize("reducer", REDUCERS)
def test_a_network_has_the_reducer_of_its_config_and_returns_float32_logits(reducer: str) -> None:
    arguments = {"token_learner_pooling": "sum", "token_bottleneck_dim": 7, "random_selection_seed": 3}
    model = make_model(**{**_LEARNER, **arguments, "token_reducer": reducer, "dropout_rate": 0.25})
    layer = model.get_layer("token_learner")
    expected = {"num_tokens": 4, "pooling": "sum", "bottleneck_dim": 7, "seed": 3, "dropout_rate": 0.25, "grid": None}
    expected |= {"num_heads": 2, "head_dim": 4}
    config = {name: value for name, value in layer.get_config().items() if name not in ("name", "trainable", "dtype")}
    assert config == {name: expected[name] for name in config}
    assert type(layer) is REDUCERS[reducer].load_layer()
    logits = model(make_images(3))
    assert (logits.shape, logits.dtype.name) == ((3, _PLAIN.num_classes), "float32")
    np.testing.assert_allclose(model(make_images(3)[2:]), logits[2:], rtol=1e-4, atol=1e-5)
    assert np.abs(np.array(logits[0] - logits[1])).max() > 1e-3


@pytest.mark.parametrize(
    ("placement", "num_tokens", "tokens_into_blocks"),
    [(None, None, [16, 16, 16]), (0, 3, [3, 3, 3]), (1, 3, [16, 3, 3]), (2, 5, [16, 16, 5])],
)
def test_the_layers_stand_in_the_order_of_the_paper_with_the_token_learner_where_the_config_puts_it(
    placement: int | None, num_tokens: int | None, tokens_into_blocks: list[int]
) -> None:
    reducer = None if placement is None else "token_learner"
    model = make_model(token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=num_tokens)
    blocks = ["block_0", "block_1", "block_2"]
    assert [model.get_layer(block).input.shape for block in blocks] == [(None, n, 8) for n in tokens_into_blocks]
    if placement is not None:
        blocks.insert(placement, "token_learner")
    before = ["image", "stem_0", "stem_1", "patches", "position_embedding", "embedding_dropout"]
    assert [layer.name for layer in model.layers] == [*before, *blocks, "norm", "pool", "logits"]


def test_each_fused_block_adds_to_its_patches_what_its_fuser_makes_of_its_own_tokens() -> None:
    model = make_model(**_FUSER)
    added = [f"token_{part}_{i}" for i in (1, 2) for part in ("learner", "fuser", "fuser_residual")]
    assert {layer.name for layer in model.layers if layer.name.startswith("token_")} == set(added)
    fuser, block, learner = (model.get_layer(name) for name in ("token_fuser_1", "block_1", "token_learner_1"))
    assert (fuser.bottleneck_dim, block.input.shape[1], model.get_layer("norm").input.shape[1]) == (7, 4, 16)
    tensors = [learner.input, model.get_layer("token_fuser_residual_1").output, model.get_layer("norm").input]
    inner = keras.Model(model.input, tensors)
    patches, _, after = inner(make_images(2))
    np.testing.assert_array_equal(after, patches)  # untrained fusers add nothing
    rng = np.random.default_rng(2)
    fuser.set_weights([rng.normal(0.1, 0.3, weight.shape) for weight in fuser.get_weights()])
    fused = np.array(fuser(block(learner(patches)), patches))
    assert np.abs(fused).max() > 0.1
    np.testing.assert_allclose(inner(make_images(2))[1], patches + fused, rtol=1e-4, atol=1e-5)


def test_the_linear_stem_projects_each_patch_by_itself() -> None:
    model = make_model(stem="linear", image_size=12, patch_size=3)
    images = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    patches = images.reshape(2, 4, 3, 4, 3, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 16, 27)
    kernel, bias = model.get_layer("stem").get_weights()
    projected = keras.Model(model.input, model.get_layer("patches").output)(images)
    np.testing.assert_allclose(projected, patches @ kernel.reshape(27, 8) + bias, rtol=1e-4, atol=1e-5)


def test_the_residual_stem_adds_each_convolution_of_stride_1_to_its_input() -> None:
    model = make_model(stem="residual")
    rng = np.random.default_rng(3)
    expected = images = make_images(2)
    for i, stride in enumerate((2, 1, 2, 1)):
        norm = model.get_layer(f"stem_{i}_norm")
        norm.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in norm.get_weights()])
        scale, shift, mean, variance = norm.get_weights()
        [kernel] = model.get_layer(f"stem_{i}").get_weights()
        convolved = np.array(keras.ops.conv(expected, kernel, stride, "same"))
        normed = np.maximum((convolved - mean) / np.sqrt(variance + 1e-3) * scale + shift, 0)
        expected = normed if stride == 2 else expected + normed
    patches = keras.Model(model.input, model.get_layer("patches").output)(images)
    np.testing.assert_allclose(patches, expected.reshape(2, 16, 8), rtol=1e-4, atol=1e-5)


def test_train_steps_move_every_weight_and_the_saved_network_gives_equal_logits(tmp_path: pathlib.Path) -> None:
    model = make_model(**{**_FUSER, "token_bottleneck_dim": 64})
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,  # tracing takes ten times as long as these steps
    )
    before = model.get_weights()
    losses = [model.train_on_batch(make_images(10), np.arange(10) % 5) for _ in range(4)]  # the fuser delays gradients
    assert losses == sorted(losses, reverse=True)
    pairs = zip(model.weights, before, strict=True)
    assert [weight.path for weight, old in pairs if np.array_equal(weight.numpy(), old)] == []
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(make_images(3)), model(make_images(3)))


def test_dropout_acts_in_training_alone_and_everywhere() -> None:
    model = make_model(dropout_rate=0.5, mlp_output_activation="gelu", mlp_dims=(12, 9), head_dim=3)
    images = make_images(2)
    np.testing.assert_array_equal(model(images, training=False), model(images, training=False))
    assert not np.allclose(model(images, training=True), model(images, training=True))
    block = model.get_layer("block_1")
    rates = [model.get_layer("embedding_dropout").rate, block.attention.dropout_rate, block.mlp.dropout_rate]
    assert rates == [0.5, 0.5, 0.5]
    assert (block.mlp.hidden_dims, block.mlp.output_activation, block.attention.head_dim) == ((12, 9), "gelu", 3)
