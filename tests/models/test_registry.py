"""Everything that the project knows about a token reducer derives from its entry in the registry.

Axes: batch, heads, patches, tokens, dim.
"""

import dataclasses
import typing

import keras
import numpy as np
import pytest

from models.encoder import EncoderBlock
from models.reducers.reducer_layer import ReducerLayer
from models.reducers.registry import CONTROLS, REDUCERS, ControlReducer, TokenReducer
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import PROFILES

_BACKBONE = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)


def test_names_for_the_command_line_are_those_of_the_registry() -> None:
    assert typing.get_args(TokenReducer) == tuple(REDUCERS)
    assert typing.get_args(ControlReducer) == CONTROLS
    assert all(set(profile.search.controls) <= set(CONTROLS) for profile in PROFILES.values())


@pytest.mark.parametrize("name", REDUCERS)
def test_an_entry_names_a_layer_and_all_of_its_arguments(name: str) -> None:
    entry = REDUCERS[name]
    config = dataclasses.replace(_BACKBONE, token_reducer=name, blocks_before_token_learner=1, num_tokens=4)
    layer = entry.load_layer()(config.num_tokens, **entry.arguments(config))
    assert isinstance(layer, ReducerLayer)
    assert hasattr(layer, "attention_weights") == entry.has_attention_maps
    assert entry.min_blocks_before >= entry.takes_attention
    assert entry.kind == "learned" or not layer.get_config().get("bottleneck_dim")


def test_a_reducer_may_take_the_attention_of_the_block_before_it() -> None:
    config = dataclasses.replace(_BACKBONE, token_reducer="evit", blocks_before_token_learner=1, num_tokens=3)
    model = build_vit(config)
    images = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
    names = ("block_0", "token_learner")
    (patches, weights), tokens = keras.Model(model.input, [model.get_layer(name).output for name in names])(images)
    assert weights.shape == (2, 2, 16, 16)
    np.testing.assert_allclose(np.array(weights).sum(axis=-1), 1, rtol=1e-5)
    for example in range(2):
        received = np.array(weights)[example].mean(axis=(0, 1))
        *kept, others = np.split(np.array(patches)[example][np.argsort(-received)], [1, 2])
        shares = np.sort(received)[::-1][2:]
        expected = [*np.concatenate(kept), shares @ others / shares.sum()]
        np.testing.assert_allclose(tokens[example], expected, rtol=1e-4, atol=1e-5)


def test_a_block_returns_the_same_tokens_with_and_without_its_attention() -> None:
    inputs = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
    block = EncoderBlock(2, 4, (6,))
    alone = np.array(block(inputs))
    both = EncoderBlock.from_config({**block.get_config(), "return_attention": True})
    both.build(inputs.shape)
    both.set_weights(block.get_weights())
    tokens, weights = both(inputs)
    np.testing.assert_array_equal(tokens, alone)
    assert both.compute_output_shape((None, 5, 8)) == [(None, 5, 8), (None, 2, 5, 5)]
    assert weights.shape == (2, 2, 5, 5)
