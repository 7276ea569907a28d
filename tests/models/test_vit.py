"""The Vision Transformer has the size, the order and the behavior that its config says.

Axes: batch, height, width, channels, patches, tokens, dim.
"""

import dataclasses
import pathlib
import random
from typing import Any

import keras
import numpy as np
import pytest

from models.reducers.average_pooling import AveragePoolingTokens
from models.reducers.random_selection import RandomTokens
from models.reducers.registry import REDUCERS
from models.reducers.token_learner import TokenLearner
from models.reducers.token_learner_v11 import TokenLearnerV11
from models.reducers.top_k_norm import TopKNormTokens
from models.vit import build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)
_LEARNER = {"token_reducer": "token_learner", "blocks_before_token_learner": 2, "num_tokens": 4}
_FUSER = {**_LEARNER, "blocks_before_token_learner": 1, "use_token_fuser": True}


def make_images(count: int) -> np.ndarray:
    """Returns noise, float32 [count, 16, 16, 3]."""
    return np.random.default_rng(0).normal(size=(count, 16, 16, 3)).astype(np.float32)


def make_model(**changes: Any) -> keras.Model:
    """Returns a small network, the same at each call."""
    random.seed(1)  # from which Keras draws the seeds of initializers
    return build_vit(dataclasses.replace(_PLAIN, **changes))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return make_model(**_LEARNER)


@pytest.mark.parametrize(
    ("reducer", "changes"),
    [
        *((reducer, _LEARNER) for reducer in tuple(REDUCERS)),
        *((reducer, _FUSER) for reducer in ("token_learner_v11", "average_pooling")),
    ],
)
def test_images_become_one_float32_logit_a_class(reducer: str, changes: dict[str, Any]) -> None:
    model = make_model(**{**changes, "token_reducer": reducer})
    assert model.output.shape == (None, _PLAIN.num_classes)
    logits = model(make_images(3))
    assert (logits.shape, logits.dtype.name) == ((3, _PLAIN.num_classes), "float32")
    np.testing.assert_allclose(model(make_images(3)[2:]), logits[2:], rtol=1e-4, atol=1e-5)
    assert np.abs(np.array(logits[0] - logits[1])).max() > 1e-3


@pytest.mark.parametrize(
    ("placement", "num_tokens", "tokens_into_blocks"),
    [
        (None, None, [16, 16, 16]),
        (0, 3, [3, 3, 3]),
        (1, 3, [16, 3, 3]),
        (2, 5, [16, 16, 5]),
        (2, 16, [16, 16, 16]),
    ],
)
def test_the_token_learner_stands_where_it_is_asked_to(
    placement: int | None, num_tokens: int | None, tokens_into_blocks: list[int]
) -> None:
    reducer = None if placement is None else "token_learner"
    model = make_model(token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=num_tokens)
    inputs_of_blocks = keras.Model(model.input, [model.get_layer(f"block_{i}").input for i in range(_PLAIN.depth)])
    assert [block.shape for block in inputs_of_blocks(make_images(2))] == [(2, n, 8) for n in tokens_into_blocks]
    assert ("token_learner" in {layer.name for layer in model.layers}) == (placement is not None)


@pytest.mark.parametrize(
    ("reducer", "layer_class"),
    [
        ("token_learner", TokenLearner),
        ("token_learner_v11", TokenLearnerV11),
        ("average_pooling", AveragePoolingTokens),
        ("random_selection", RandomTokens),
        ("top_k_norm", TopKNormTokens),
    ],
)
def test_the_reducer_is_what_the_config_names_with_its_arguments(reducer: str, layer_class: type) -> None:
    arguments = {"token_learner_pooling": "sum", "token_bottleneck_dim": 7, "random_selection_seed": 3}
    changes = {**_LEARNER, **arguments, "token_reducer": reducer, "dropout_rate": 0.25}
    layer = make_model(**changes).get_layer("token_learner")
    expected = {"num_tokens": 4, "pooling": "sum", "bottleneck_dim": 7, "seed": 3, "dropout_rate": 0.25, "grid": None}
    config = {name: value for name, value in layer.get_config().items() if name not in ("name", "trainable", "dtype")}
    assert config == {name: expected[name] for name in config}
    assert type(layer) is layer_class


def test_the_layers_stand_in_the_order_of_the_paper(model: keras.Model) -> None:
    assert [layer.name for layer in model.layers] == [
        "image",
        "stem_0",
        "stem_1",
        "patches",
        "position_embedding",
        "embedding_dropout",
        "block_0",
        "block_1",
        "token_learner",
        "block_2",
        "norm",
        "pool",
        "logits",
    ]


def test_with_the_fuser_each_later_block_has_a_reducer_and_a_fuser_of_its_own() -> None:
    model = make_model(**_FUSER, token_bottleneck_dim=7)
    fused = {"token_learner_1", "token_fuser_1", "token_fuser_residual_1"}
    assert fused | {"token_learner_2", "token_fuser_2", "token_fuser_residual_2"} == {
        layer.name for layer in model.layers if layer.name.startswith("token_")
    }
    tensors = [model.get_layer(name).output for name in ("token_learner_1", "block_1", "token_fuser_1", "norm")]
    assert [tensor.shape[1] for tensor in tensors] == [4, 4, 16, 16]
    assert model.get_layer("token_fuser_1").bottleneck_dim == 7


def test_an_untrained_fuser_leaves_what_the_blocks_before_it_made() -> None:
    model = make_model(**_FUSER)
    both = keras.Model(model.input, [model.get_layer("block_0").output, model.get_layer("norm").input])
    before, after = both(make_images(2))
    np.testing.assert_array_equal(before, after)


def test_a_fused_block_adds_to_its_patches_what_the_fuser_makes_of_the_encoded_tokens() -> None:
    model = make_model(**_FUSER)
    fuser, block, learner = (model.get_layer(name) for name in ("token_fuser_1", "block_1", "token_learner_1"))
    rng = np.random.default_rng(2)
    fuser.set_weights([rng.normal(0.1, 0.3, weight.shape) for weight in fuser.get_weights()])
    inner = keras.Model(model.input, [learner.input, model.get_layer("token_fuser_residual_1").output])
    patches, outputs = inner(make_images(2))
    added = np.array(fuser(block(learner(patches)), patches))
    assert np.abs(added).max() > 0.1
    np.testing.assert_allclose(outputs, patches + added, rtol=1e-4, atol=1e-5)


def test_the_linear_stem_projects_each_patch_by_itself() -> None:
    model = make_model(stem="linear", image_size=12, patch_size=3)
    images = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    patches = images.reshape(2, 4, 3, 4, 3, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 16, 27)
    kernel, bias = model.get_layer("stem").get_weights()
    projected = keras.Model(model.input, model.get_layer("patches").output)(images)
    np.testing.assert_allclose(projected, patches @ kernel.reshape(27, 8) + bias, rtol=1e-4, atol=1e-5)


def test_the_residual_stem_adds_each_convolution_of_stride_1_to_what_it_reads() -> None:
    model = make_model(stem="residual")
    rng = np.random.default_rng(3)
    names = [f"stem_{i}" for i in range(4)]
    for name in names:
        norm = model.get_layer(f"{name}_norm")
        norm.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in norm.get_weights()])
    expected = images = make_images(2)
    for name, stride in zip(names, (2, 1, 2, 1), strict=True):
        [kernel] = model.get_layer(name).get_weights()
        scale, shift, mean, variance = model.get_layer(f"{name}_norm").get_weights()
        convolved = np.array(keras.ops.conv(expected, kernel, stride, "same"))
        normed = np.maximum((convolved - mean) / np.sqrt(variance + 1e-3) * scale + shift, 0)
        expected = normed if stride == 2 else expected + normed
    patches = keras.Model(model.input, model.get_layer("patches").output)(images)
    np.testing.assert_allclose(patches, expected.reshape(2, 16, 8), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [_FUSER, {"positions": "sincos_2d", "pooling": "sequence", "stem": "residual"}],
    ids=str,
)
def test_a_saved_network_gives_equal_logits(changes: dict[str, Any], tmp_path: pathlib.Path) -> None:
    model = make_model(**changes)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(make_images(3)), model(make_images(3)))


@pytest.mark.parametrize(
    "changes",
    [{**_LEARNER, "token_reducer": "token_learner_v11", "stem": "residual"}, _FUSER],
    ids=str,
)
def test_train_steps_lower_the_loss_on_a_batch_and_move_every_weight(changes: dict[str, Any]) -> None:
    model = make_model(**changes)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,  # tracing takes ten times as long as these steps
    )
    before = model.get_weights()
    steps = 4 if changes.get("use_token_fuser") else 2  # an untrained fuser lets nothing behind it learn at first
    losses = [model.train_on_batch(make_images(10), np.arange(10) % 5) for _ in range(steps)]
    assert losses == sorted(losses, reverse=True)
    pairs = zip(model.weights, before, strict=True)
    assert [weight.path for weight, old in pairs if np.array_equal(weight.numpy(), old)] == []


def test_dropout_acts_in_training_alone() -> None:
    model = make_model(dropout_rate=0.5)
    images = make_images(2)
    np.testing.assert_array_equal(model(images, training=False), model(images, training=False))
    assert not np.allclose(model(images, training=True), model(images, training=True))


def test_dropout_acts_after_the_positions_on_attention_weights_and_in_the_mlp() -> None:
    model = make_model(dropout_rate=0.5, mlp_output_activation="gelu", mlp_dims=(12, 9), head_dim=3)
    block = model.get_layer("block_1")
    rates = [model.get_layer("embedding_dropout").rate, block.attention.dropout_rate, block.mlp.dropout_rate]
    assert rates == [0.5, 0.5, 0.5]
    assert (block.mlp.hidden_dims, block.mlp.output_activation, block.attention.head_dim) == ((12, 9), "gelu", 3)


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        ("mixed_float16", _FUSER),
        ("mixed_bfloat16", {**_LEARNER, "positions": "sincos_2d", "pooling": "sequence"}),
    ],
)
def test_a_network_in_half_precision_gives_nearly_equal_float32_logits(policy: str, changes: dict[str, Any]) -> None:
    exact = make_model(**changes)
    keras.config.set_dtype_policy(policy)
    try:
        halves = make_model(**changes)
    finally:
        keras.config.set_dtype_policy("float32")
    halves.set_weights(exact.get_weights())
    logits = halves(make_images(3))
    assert (logits.dtype.name, halves.get_layer("block_0").compute_dtype) == ("float32", policy.removeprefix("mixed_"))
    scale = np.abs(exact(make_images(3))).max()
    tolerance = 0.01 if policy == "mixed_float16" else 0.05
    np.testing.assert_allclose(logits, exact(make_images(3)), atol=tolerance * scale)
