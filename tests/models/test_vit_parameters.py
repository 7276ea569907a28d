"""The Vision Transformer has exactly the parameters that follow from its config."""

import dataclasses
from typing import Any

import pytest

from models.reducers.registry import CONTROLS
from models.vit import build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)
_LEARNER = {"token_reducer": "token_learner", "blocks_before_token_learner": 2, "num_tokens": 4}
_FUSER = {**_LEARNER, "blocks_before_token_learner": 1, "use_token_fuser": True}

_STEM = (9 * 3 * 4 + 4) + (9 * 4 * 8 + 8)  # kernels and biases: 3 -> 4 -> 8 channels
_BLOCK = 2 * 8 + 4 * (8 * 8 + 8) + 2 * 8 + (8 * 12 + 12) + (12 * 8 + 8)  # norm, attention, norm, MLP
_HEAD = 2 * 8 + (8 * 5 + 5)  # norm, logits
_PLAIN_PARAMETERS = _STEM + 16 * 8 + 3 * _BLOCK + _HEAD
_TO_4_TOKENS = 2 * 8 + 9 * 8 * 4 + 3 * 9 * 4 * 4
_TO_4_TOKENS_BY_64 = 2 * 8 + (8 * 64 + 64) + (64 * 4 + 4)
_FROM_4_TOKENS = 3 * 2 * 8 + 4 * 4 + (8 * 64 + 64) + (64 * 4 + 4)  # norms, mixing, MLP

_PARAMETERS: list[tuple[dict[str, Any], int]] = [
    ({}, _PLAIN_PARAMETERS),
    ({"image_size": 24}, _PLAIN_PARAMETERS + (36 - 16) * 8),
    ({"patch_size": 2}, (9 * 3 * 8 + 8) + 64 * 8 + 3 * _BLOCK + _HEAD),
    ({"dim": 4}, (9 * 3 * 2 + 2) + (9 * 2 * 4 + 4) + 16 * 4 + 3 * (8 + 4 * (16 + 4) + 8 + 60 + 52) + 8 + 25),
    ({"depth": 5}, _PLAIN_PARAMETERS + 2 * _BLOCK),
    ({"num_heads": 4}, _PLAIN_PARAMETERS),
    ({"head_dim": 8}, _PLAIN_PARAMETERS + 3 * (4 * 8 * 8 + 3 * 8)),
    ({"mlp_dims": (32,)}, _PLAIN_PARAMETERS + 3 * (20 * 8 + 20 + 20 * 8)),
    ({"mlp_dims": (12, 20)}, _PLAIN_PARAMETERS + 3 * (12 * 20 + 20 + (20 - 12) * 8)),
    ({"mlp_output_activation": "gelu"}, _PLAIN_PARAMETERS),
    ({"dropout_rate": 0.5}, _PLAIN_PARAMETERS),
    ({"stem": "linear"}, _PLAIN_PARAMETERS - _STEM + 4 * 4 * 3 * 8 + 8),
    ({"positions": "sincos_2d"}, _PLAIN_PARAMETERS - 16 * 8),
    ({"pooling": "sequence"}, _PLAIN_PARAMETERS + 8 + 1),
    ({"num_classes": 10}, _PLAIN_PARAMETERS + 5 * (8 + 1)),
    (_LEARNER, _PLAIN_PARAMETERS + _TO_4_TOKENS),
    ({**_LEARNER, "blocks_before_token_learner": 0}, _PLAIN_PARAMETERS + _TO_4_TOKENS),
    ({**_LEARNER, "num_tokens": 8}, _PLAIN_PARAMETERS + 2 * 8 + 4 * 9 * 8 * 8),
    ({**_LEARNER, "token_learner_pooling": "sum"}, _PLAIN_PARAMETERS + _TO_4_TOKENS),
    ({**_LEARNER, "token_reducer": "token_learner_v11"}, _PLAIN_PARAMETERS + _TO_4_TOKENS_BY_64),
    (
        {**_LEARNER, "token_reducer": "token_learner_v11", "token_bottleneck_dim": 7},
        _PLAIN_PARAMETERS + 2 * 8 + (8 * 7 + 7) + (7 * 4 + 4),
    ),
    *(({**_LEARNER, "token_reducer": reducer, "random_selection_seed": 3}, _PLAIN_PARAMETERS) for reducer in CONTROLS),
    (_FUSER, _PLAIN_PARAMETERS + 2 * (_TO_4_TOKENS + _FROM_4_TOKENS)),
    ({**_FUSER, "token_reducer": "average_pooling"}, _PLAIN_PARAMETERS + 2 * _FROM_4_TOKENS),
]


@pytest.mark.parametrize(("changes", "parameters"), _PARAMETERS, ids=str)
def test_a_variant_has_exactly_its_parameters(changes: dict[str, Any], parameters: int) -> None:
    assert build_vit(dataclasses.replace(_PLAIN, **changes)).count_params() == parameters


def test_the_table_of_variants_varies_every_field() -> None:
    varied = {field for changes, _ in _PARAMETERS for field in changes}
    assert varied == {field.name for field in dataclasses.fields(ViTConfig)}
