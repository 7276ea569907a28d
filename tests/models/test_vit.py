"""The Vision Transformer has the size, the order and the behaviour that its config says.

Axes: batch, height, width, channels, patches, tokens, dim.
"""

import dataclasses
import pathlib
from typing import Any

import keras
import numpy as np
import pytest

from models.vit import EncoderBlock, PositionEmbedding, build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(
    image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dim=12, dropout_rate=0.0, num_classes=5
)
_LEARNER = {"blocks_before_token_learner": 2, "num_tokens": 3}

_STEM = (9 * 3 * 4 + 4) + (9 * 4 * 8 + 8)  # kernels and biases: 3 -> 4 -> 8 channels
_BLOCK = 2 * 8 + 4 * (8 * 8 + 8) + 2 * 8 + (8 * 12 + 12) + (12 * 8 + 8)  # norm, attention, norm, MLP
_HEAD = 2 * 8 + (8 * 5 + 5)  # norm, logits
_PLAIN_PARAMETERS = _STEM + 16 * 8 + 3 * _BLOCK + _HEAD

_PARAMETERS: list[tuple[dict[str, Any], int]] = [
    ({}, _PLAIN_PARAMETERS),
    ({"image_size": 24}, _PLAIN_PARAMETERS + (36 - 16) * 8),
    ({"patch_size": 2}, (9 * 3 * 8 + 8) + 64 * 8 + 3 * _BLOCK + _HEAD),
    ({"dim": 4}, (9 * 3 * 2 + 2) + (9 * 2 * 4 + 4) + 16 * 4 + 3 * (8 + 4 * (16 + 4) + 8 + 60 + 52) + 8 + 25),
    ({"depth": 5}, _PLAIN_PARAMETERS + 2 * _BLOCK),
    ({"num_heads": 4}, _PLAIN_PARAMETERS),
    ({"mlp_dim": 32}, _PLAIN_PARAMETERS + 3 * (20 * 8 + 20 + 20 * 8)),
    ({"dropout_rate": 0.5}, _PLAIN_PARAMETERS),
    ({"num_classes": 10}, _PLAIN_PARAMETERS + 5 * (8 + 1)),
    (_LEARNER, _PLAIN_PARAMETERS + 2 * 8 + 9 * 8 * 3 + 3 * 9 * 3 * 3),
    ({**_LEARNER, "blocks_before_token_learner": 0}, _PLAIN_PARAMETERS + 475),
    ({**_LEARNER, "num_tokens": 8}, _PLAIN_PARAMETERS + 2 * 8 + 4 * 9 * 8 * 8),
]


def make_images(count: int) -> np.ndarray:
    """Returns noise, float32 [count, 16, 16, 3]."""
    return np.random.default_rng(0).normal(size=(count, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_vit(dataclasses.replace(_PLAIN, **_LEARNER))


@pytest.mark.parametrize(("changes", "parameters"), _PARAMETERS, ids=str)
def test_a_variant_has_exactly_its_parameters(changes: dict[str, Any], parameters: int) -> None:
    assert build_vit(dataclasses.replace(_PLAIN, **changes)).count_params() == parameters


def test_the_table_of_variants_varies_every_field() -> None:
    varied = {field for changes, _ in _PARAMETERS for field in changes}
    assert varied == {field.name for field in dataclasses.fields(ViTConfig)}


def test_images_become_one_logit_a_class(model: keras.Model) -> None:
    assert model.output.shape == (None, _PLAIN.num_classes)
    for batch in (1, 3):
        assert model(make_images(batch)).shape == (batch, _PLAIN.num_classes)


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
    config = dataclasses.replace(_PLAIN, blocks_before_token_learner=placement, num_tokens=num_tokens)
    model = build_vit(config)
    inputs_of_blocks = keras.Model(model.input, [model.get_layer(f"block_{i}").input for i in range(config.depth)])
    assert [block.shape for block in inputs_of_blocks(make_images(2))] == [(2, n, 8) for n in tokens_into_blocks]
    assert ("token_learner" in {layer.name for layer in model.layers}) == (placement is not None)


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


def test_a_saved_network_gives_equal_logits(model: keras.Model, tmp_path: pathlib.Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(make_images(3)), model(make_images(3)))


def test_an_image_does_not_depend_on_its_batch(model: keras.Model) -> None:
    images = make_images(4)
    np.testing.assert_allclose(model(images)[2:3], model(images[2:3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, _LEARNER], ids=str)
def test_train_steps_lower_the_loss_on_a_batch(changes: dict[str, Any]) -> None:
    keras.utils.set_random_seed(1)
    model = build_vit(dataclasses.replace(_PLAIN, **changes))
    model.compile(
        optimizer=keras.optimizers.SGD(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    images, labels = make_images(10), np.arange(10) % 5
    before = model.get_weights()
    losses = [model.train_on_batch(images, labels) for _ in range(2)]
    assert losses[1] < losses[0]
    unchanged = {
        weight.path for weight, old in zip(model.weights, before, strict=True) if np.array_equal(weight.numpy(), old)
    }
    assert unchanged == set()


def test_dropout_acts_in_training_alone() -> None:
    keras.utils.set_random_seed(1)
    model = build_vit(dataclasses.replace(_PLAIN, dropout_rate=0.5))
    images = make_images(2)
    np.testing.assert_array_equal(model(images, training=False), model(images, training=False))
    assert not np.allclose(model(images, training=True), model(images, training=True))


def test_each_position_gets_a_vector_of_its_own() -> None:
    layer = PositionEmbedding()
    layer.build((None, 4, 3))
    positions = np.arange(12, dtype=np.float32).reshape(4, 3)
    layer.set_weights([positions])
    inputs = np.full((2, 4, 3), 100, np.float32)
    np.testing.assert_array_equal(layer(inputs), [positions + 100, positions + 100])
    assert PositionEmbedding.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.fixture
def block() -> EncoderBlock:
    keras.utils.set_random_seed(1)
    block = EncoderBlock(num_heads=2, mlp_dim=12, dropout_rate=0.25, name="block")
    block.build((None, 5, 8))
    return block


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)


def test_a_block_without_weights_passes_its_tokens_on(block: EncoderBlock, tokens: np.ndarray) -> None:
    block.set_weights([np.zeros_like(weight) for weight in block.get_weights()])
    np.testing.assert_array_equal(block(tokens), tokens)


def test_a_block_does_not_care_for_the_order_of_its_tokens(block: EncoderBlock, tokens: np.ndarray) -> None:
    order = [3, 0, 4, 1, 2]
    encoded = np.array(block(tokens))
    assert encoded.shape == tokens.shape
    np.testing.assert_allclose(block(tokens[:, order]), encoded[:, order], rtol=1e-4, atol=1e-5)
    assert np.abs(encoded[:, order] - encoded).max() > 0.1


def test_the_config_of_a_block_makes_an_equal_block(block: EncoderBlock, tokens: np.ndarray) -> None:
    config = block.get_config()
    assert set(config) == {"name", "trainable", "dtype", "num_heads", "mlp_dim", "dropout_rate"}
    twin = EncoderBlock.from_config(config)
    assert twin.get_config() == config
    twin.build((None, 5, 8))
    twin.set_weights(block.get_weights())
    np.testing.assert_array_equal(twin(tokens), block(tokens))


@pytest.mark.parametrize("silenced", ["attention_output", "mlp_output"])
def test_a_block_drops_a_share_of_what_either_part_adds(block: EncoderBlock, tokens: np.ndarray, silenced: str) -> None:
    for weight in block.weights:
        if silenced in weight.path:
            weight.assign(np.zeros(weight.shape))
    added = np.array(block(tokens, training=False)) - tokens
    added_in_training = np.array(block(tokens, training=True)) - tokens
    kept = np.abs(added_in_training) > 0
    assert 0.5 < kept.mean() < 1
    np.testing.assert_allclose(added_in_training[kept], added[kept] / (1 - 0.25), rtol=1e-2, atol=1e-5)
