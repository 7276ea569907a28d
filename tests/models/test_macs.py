"""The closed form of the multiply-accumulates, against sums worked out by hand and against the traced graph."""

import dataclasses
import itertools
from typing import Any

import pytest
from graph_macs import count_macs_of_graph

from models.macs import Macs, count_macs
from models.presets import PRESETS
from models.reducers.registry import CONTROLS, REDUCERS
from models.vit import build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)
_LEARNER = {"token_reducer": "token_learner", "blocks_before_token_learner": 2, "num_tokens": 3}

_STEM = (8 * 8) * (9 * 3) * 4 + (4 * 4) * (9 * 4) * 8  # 16x16x3 -> 8x8x4 -> 4x4x8
_BLOCK_OF_16 = 4 * (16 * 8 * 8) + 2 * (16 * 16 * 8) + 2 * (16 * 8 * 12)  # projections, attention, MLP
_BLOCK_OF_3 = 4 * (3 * 8 * 8) + 2 * (3 * 3 * 8) + 2 * (3 * 8 * 12)
_BLOCK_OF_4 = 4 * (4 * 8 * 8) + 2 * (4 * 4 * 8) + 2 * (4 * 8 * 12)
_TO_3_TOKENS = 16 * (9 * 8) * 3 + 3 * (16 * (9 * 3) * 3) + 3 * 16 * 8  # first map, three more, pooling
_TO_3_TOKENS_BY_64 = 16 * (8 * 64 + 64 * 3) + 3 * 16 * 8  # MLP, weighted sum
_TO_3_TOKENS_BY_7 = 16 * (8 * 7 + 7 * 3) + 3 * 16 * 8
_FROM_3_TOKENS = 3 * 3 * 8 + 16 * (8 * 64 + 64 * 3) + 3 * 16 * 8  # mixing, shares, weighted sum

_PLAIN_MACS = Macs(stem=_STEM, blocks_before=3 * _BLOCK_OF_16, token_reducer=0, blocks_after=0, head=40)
_LEARNER_MACS = Macs(stem=11_520, blocks_before=2 * 11_264, token_reducer=7_728, blocks_after=1_488, head=40)

_VARIANTS: list[tuple[dict[str, Any], Macs]] = [
    ({}, Macs(stem=11_520, blocks_before=3 * 11_264, token_reducer=0, blocks_after=0, head=40)),
    (
        {"image_size": 24},
        dataclasses.replace(
            _PLAIN_MACS,
            stem=(12 * 12) * (9 * 3) * 4 + (6 * 6) * (9 * 4) * 8,
            blocks_before=3 * (4 * (36 * 64) + 2 * (36 * 36 * 8) + 2 * (36 * 96)),
        ),
    ),
    (
        {"patch_size": 2},
        dataclasses.replace(
            _PLAIN_MACS,
            stem=(8 * 8) * (9 * 3) * 8,
            blocks_before=3 * (4 * (64 * 64) + 2 * (64 * 64 * 8) + 2 * (64 * 96)),
        ),
    ),
    (
        {"dim": 4},
        dataclasses.replace(
            _PLAIN_MACS,
            stem=(8 * 8) * (9 * 3) * 2 + (4 * 4) * (9 * 2) * 4,
            blocks_before=3 * (4 * (16 * 4 * 4) + 2 * (16 * 16 * 4) + 2 * (16 * 4 * 12)),
            head=4 * 5,
        ),
    ),
    ({"depth": 5}, dataclasses.replace(_PLAIN_MACS, blocks_before=5 * _BLOCK_OF_16)),
    ({"num_heads": 4}, _PLAIN_MACS),
    ({"head_dim": 8}, dataclasses.replace(_PLAIN_MACS, blocks_before=3 * (4 * 16 * 8 * 16 + 2 * 16 * 16 * 16 + 3072))),
    ({"mlp_dims": (32,)}, dataclasses.replace(_PLAIN_MACS, blocks_before=3 * (4096 + 4096 + 2 * 16 * 8 * 32))),
    (
        {"mlp_dims": (12, 20)},
        dataclasses.replace(_PLAIN_MACS, blocks_before=3 * (8192 + 16 * (8 * 12 + 12 * 20 + 20 * 8))),
    ),
    ({"mlp_output_activation": "gelu"}, _PLAIN_MACS),
    ({"dropout_rate": 0.5}, _PLAIN_MACS),
    (
        {"stem": "residual"},
        dataclasses.replace(_PLAIN_MACS, stem=_STEM + (8 * 8) * (9 * 4) * 4 + (4 * 4) * (9 * 8) * 8),
    ),
    ({"stem": "linear"}, dataclasses.replace(_PLAIN_MACS, stem=16 * (4 * 4 * 3) * 8)),
    ({"positions": "sincos_2d"}, _PLAIN_MACS),
    ({"pooling": "sequence"}, dataclasses.replace(_PLAIN_MACS, head=16 * 8 + 16 * 8 + 40)),
    ({"pooling": "sequence", **_LEARNER}, dataclasses.replace(_LEARNER_MACS, head=3 * 8 + 3 * 8 + 40)),
    ({"num_classes": 10}, dataclasses.replace(_PLAIN_MACS, head=80)),
    (_LEARNER, _LEARNER_MACS),
    (
        {**_LEARNER, "blocks_before_token_learner": 0},
        Macs(stem=_STEM, blocks_before=0, token_reducer=_TO_3_TOKENS, blocks_after=3 * _BLOCK_OF_3, head=40),
    ),
    (
        {**_LEARNER, "num_tokens": 1},
        dataclasses.replace(
            _LEARNER_MACS, token_reducer=16 * 9 * 8 + 3 * (16 * 9) + 16 * 8, blocks_after=4 * 64 + 2 * 8 + 2 * 96
        ),
    ),
    ({**_LEARNER, "token_learner_pooling": "sum"}, _LEARNER_MACS),
    (
        {**_LEARNER, "token_reducer": "token_learner_v11"},
        dataclasses.replace(_LEARNER_MACS, token_reducer=_TO_3_TOKENS_BY_64),
    ),
    (
        {**_LEARNER, "token_reducer": "token_learner_v11", "token_bottleneck_dim": 7},
        dataclasses.replace(_LEARNER_MACS, token_reducer=_TO_3_TOKENS_BY_7),
    ),
    *(
        (
            {**_LEARNER, "token_reducer": reducer, "num_tokens": 4, "random_selection_seed": 5},
            dataclasses.replace(_LEARNER_MACS, token_reducer=0, blocks_after=_BLOCK_OF_4),
        )
        for reducer in CONTROLS
    ),
    (
        {**_LEARNER, "blocks_before_token_learner": 1, "use_token_fuser": True, "pooling": "sequence"},
        Macs(
            stem=_STEM,
            blocks_before=_BLOCK_OF_16,
            token_reducer=2 * (_TO_3_TOKENS + _FROM_3_TOKENS),
            blocks_after=2 * _BLOCK_OF_3,
            head=2 * 16 * 8 + 40,
        ),
    ),
]

_POINTS: list[dict[str, Any]] = [  # each reducer with and without fuser, all stems
    {"stem": stem, "use_token_fuser": fuser, "token_reducer": reducer, "pooling": pooling}
    for stem, pooling, (fuser, reducer) in zip(
        itertools.cycle(("linear", "convolution", "residual")),
        itertools.cycle(("mean", "sequence")),
        itertools.product((False, True), tuple(REDUCERS)),
    )
]
_ODD_SIZES: dict[str, Any] = {
    "patch_size": 2,
    "dim": 12,
    "num_heads": 3,
    "head_dim": 5,
    "mlp_dims": (7, 11),
    "token_bottleneck_dim": 9,
    "blocks_before_token_learner": 1,
    "num_tokens": 16,
}


@pytest.mark.parametrize(("changes", "macs"), _VARIANTS, ids=str)
def test_a_variant_costs_exactly_its_multiply_accumulates(changes: dict[str, Any], macs: Macs) -> None:
    assert count_macs(dataclasses.replace(_PLAIN, **changes)) == macs


def test_the_table_of_variants_varies_every_field() -> None:
    varied = {field for changes, _ in _VARIANTS for field in changes}
    assert varied == {field.name for field in dataclasses.fields(ViTConfig)}


def test_the_total_is_the_sum_of_the_parts() -> None:
    assert Macs(stem=1, blocks_before=20, token_reducer=300, blocks_after=4_000, head=50_000).total == 54_321


@pytest.mark.parametrize("point", _POINTS, ids=lambda point: "-".join(map(str, point.values())))
def test_parts_together_cost_what_its_graph_computes(point: dict[str, Any]) -> None:
    config = dataclasses.replace(_PLAIN, **_ODD_SIZES, **point)
    assert count_macs(config).total == count_macs_of_graph(build_vit(config), config.image_size)


@pytest.mark.parametrize("name", ["keras_example", "full"])
def test_a_token_learner_in_a_preset_costs_what_its_graph_computes(name: str) -> None:
    config = dataclasses.replace(
        PRESETS[name], token_reducer="token_learner", blocks_before_token_learner=2, num_tokens=16
    )
    assert count_macs(config).total == count_macs_of_graph(build_vit(config), config.image_size)


def test_a_token_learner_halfway_saves_what_the_later_blocks_no_longer_compute() -> None:
    plain = PRESETS["full"]
    halfway = dataclasses.replace(
        plain, token_reducer="token_learner", blocks_before_token_learner=plain.depth // 2, num_tokens=8
    )
    saved = count_macs(plain).blocks_before - count_macs(halfway).blocks_before
    cost = count_macs(halfway).token_reducer + count_macs(halfway).blocks_after
    assert count_macs(plain).total - count_macs(halfway).total == saved - cost > 0
