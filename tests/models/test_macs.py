"""The closed form of the multiply-accumulates, against sums worked out by hand and against the traced graph."""

import dataclasses
import itertools
import math
from typing import Any

import pytest
import tensorflow as tf

from models.macs import Macs, count_macs
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import PROFILES

_PLAIN = ViTConfig(
    image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dim=12, dropout_rate=0.0, num_classes=5
)
_LEARNER = {"blocks_before_token_learner": 2, "num_tokens": 3}

_STEM = (8 * 8) * (9 * 3) * 4 + (4 * 4) * (9 * 4) * 8  # 16x16x3 -> 8x8x4 -> 4x4x8
_BLOCK_OF_16 = 4 * (16 * 8 * 8) + 2 * (16 * 16 * 8) + 2 * (16 * 8 * 12)  # projections, attention, MLP
_BLOCK_OF_3 = 4 * (3 * 8 * 8) + 2 * (3 * 3 * 8) + 2 * (3 * 8 * 12)
_TO_3_TOKENS = 16 * (9 * 8) * 3 + 3 * (16 * (9 * 3) * 3) + 3 * 16 * 8  # first map, three more, pooling

_VARIANTS: list[tuple[dict[str, Any], Macs]] = [
    ({}, Macs(stem=11_520, blocks_before=3 * 11_264, token_learner=0, blocks_after=0, head=40)),
    (
        {"image_size": 24},
        Macs(
            stem=(12 * 12) * (9 * 3) * 4 + (6 * 6) * (9 * 4) * 8,
            blocks_before=3 * (4 * (36 * 64) + 2 * (36 * 36 * 8) + 2 * (36 * 96)),
            token_learner=0,
            blocks_after=0,
            head=40,
        ),
    ),
    (
        {"patch_size": 2},
        Macs(
            stem=(8 * 8) * (9 * 3) * 8,
            blocks_before=3 * (4 * (64 * 64) + 2 * (64 * 64 * 8) + 2 * (64 * 96)),
            token_learner=0,
            blocks_after=0,
            head=40,
        ),
    ),
    (
        {"dim": 4},
        Macs(
            stem=(8 * 8) * (9 * 3) * 2 + (4 * 4) * (9 * 2) * 4,
            blocks_before=3 * (4 * (16 * 4 * 4) + 2 * (16 * 16 * 4) + 2 * (16 * 4 * 12)),
            token_learner=0,
            blocks_after=0,
            head=4 * 5,
        ),
    ),
    ({"depth": 5}, Macs(stem=_STEM, blocks_before=5 * _BLOCK_OF_16, token_learner=0, blocks_after=0, head=40)),
    ({"num_heads": 4}, Macs(stem=_STEM, blocks_before=3 * _BLOCK_OF_16, token_learner=0, blocks_after=0, head=40)),
    (
        {"mlp_dim": 32},
        Macs(stem=_STEM, blocks_before=3 * (4096 + 4096 + 2 * 16 * 8 * 32), token_learner=0, blocks_after=0, head=40),
    ),
    ({"dropout_rate": 0.5}, Macs(stem=_STEM, blocks_before=3 * _BLOCK_OF_16, token_learner=0, blocks_after=0, head=40)),
    ({"num_classes": 10}, Macs(stem=_STEM, blocks_before=3 * _BLOCK_OF_16, token_learner=0, blocks_after=0, head=80)),
    (_LEARNER, Macs(stem=11_520, blocks_before=2 * 11_264, token_learner=7_728, blocks_after=1_488, head=40)),
    (
        {**_LEARNER, "blocks_before_token_learner": 0},
        Macs(stem=_STEM, blocks_before=0, token_learner=_TO_3_TOKENS, blocks_after=3 * _BLOCK_OF_3, head=40),
    ),
    (
        {**_LEARNER, "num_tokens": 1},
        Macs(
            stem=_STEM,
            blocks_before=2 * _BLOCK_OF_16,
            token_learner=16 * 9 * 8 + 3 * (16 * 9) + 16 * 8,
            blocks_after=4 * 64 + 2 * 8 + 2 * 96,
            head=40,
        ),
    ),
]


def count_macs_of_graph(model: Any, image_size: int) -> int:
    """Counts the products of a traced forward pass of one image from the shapes of its operations."""
    forward = tf.function(lambda images: model(images, training=False), autograph=False)
    graph = forward.get_concrete_function(tf.TensorSpec((1, image_size, image_size, 3))).graph
    operations = graph.get_operations()
    assert not [operation.name for operation in operations if "Call" in operation.type], "a function hides its products"
    return sum(count_macs_of_operation(operation) for operation in operations)


def count_macs_of_operation(operation: tf.Operation) -> int:
    """Counts the products of one operation: the elements of its output times the terms that each of them sums."""
    shapes = [tensor.shape.as_list() for tensor in operation.inputs]
    if operation.type == "Conv2D":
        height, width, channels, _ = shapes[1]
        terms = height * width * channels
    elif operation.type == "MatMul":
        terms = shapes[0][0 if operation.get_attr("transpose_a") else 1]
    elif operation.type == "BatchMatMulV2":
        terms = shapes[0][-2 if operation.get_attr("adj_x") else -1]
    elif operation.type == "Einsum":
        inputs, _, output = operation.get_attr("equation").decode().partition("->")
        lengths = {
            axis: length
            for axes, shape in zip(inputs.split(","), shapes, strict=True)
            for axis, length in zip(axes, shape, strict=True)
        }
        terms = math.prod(length for axis, length in lengths.items() if axis not in output)
    else:
        assert "MatMul" not in operation.type, f"no rule for {operation.type}"
        assert "Conv" not in operation.type, f"no rule for {operation.type}"
        return 0
    return math.prod(operation.outputs[0].shape.as_list()) * terms


_POINTS = [
    (profile, placement, num_tokens)
    for profile, config in PROFILES.items()
    for placement, num_tokens in [
        (None, None),
        *itertools.product(config.search.placements, config.search.token_counts),
    ]
]


@pytest.mark.parametrize(("changes", "macs"), _VARIANTS, ids=str)
def test_a_variant_costs_exactly_its_multiply_accumulates(changes: dict[str, Any], macs: Macs) -> None:
    assert count_macs(dataclasses.replace(_PLAIN, **changes)) == macs


def test_the_table_of_variants_varies_every_field() -> None:
    varied = {field for changes, _ in _VARIANTS for field in changes}
    assert varied == {field.name for field in dataclasses.fields(ViTConfig)}


def test_the_total_is_the_sum_of_the_parts() -> None:
    assert Macs(stem=1, blocks_before=20, token_learner=300, blocks_after=4_000, head=50_000).total == 54_321


@pytest.mark.parametrize(("profile", "placement", "num_tokens"), _POINTS)
def test_every_point_of_a_profile_costs_what_its_graph_computes(
    profile: str, placement: int | None, num_tokens: int | None
) -> None:
    config = dataclasses.replace(
        PROFILES[profile].model.trunk(), blocks_before_token_learner=placement, num_tokens=num_tokens
    )
    assert count_macs(config).total == count_macs_of_graph(build_vit(config), config.image_size)


def test_a_token_learner_halfway_saves_what_the_later_blocks_no_longer_compute() -> None:
    plain = PROFILES["full"].model.trunk()
    halfway = dataclasses.replace(plain, blocks_before_token_learner=plain.depth // 2, num_tokens=8)
    saved = count_macs(plain).blocks_before - count_macs(halfway).blocks_before
    cost = count_macs(halfway).token_learner + count_macs(halfway).blocks_after
    assert count_macs(plain).total - count_macs(halfway).total == saved - cost > 0
