"""Networks have exactly the parameters that follow from their configs, and their MACs are those of the traced graph."""

import dataclasses
from typing import Any

import pytest
from graph_macs import count_macs_of_graph

from models.macs import Macs, count_macs
from models.presets import PRESETS
from models.reducers.registry import CONTROLS, REDUCERS
from models.vit import build_vit
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(image_size=16, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(12,), num_classes=5)
_LEARNER = {"token_reducer": "token_learner", "blocks_before_token_learner": 2, "num_tokens": 4}
_FUSER = {**_LEARNER, "blocks_before_token_learner": 1, "use_token_fuser": True}

_STEM = (9 * 3 * 4 + 4) + (9 * 4 * 8 + 8)  # kernels and biases: 3 -> 4 -> 8 channels
_RESIDUAL_STEM = 9 * (3 * 4 + 4 * 4 + 4 * 8 + 8 * 8) + 4 * (4 + 4 + 8 + 8)  # kernels, norms
_BLOCK = 2 * 8 + 4 * (8 * 8 + 8) + 2 * 8 + (8 * 12 + 12) + (12 * 8 + 8)  # norm, attention, norm, MLP
_HEAD = 2 * 8 + (8 * 5 + 5)  # norm, logits
_SIZE = _STEM + 16 * 8 + 3 * _BLOCK + _HEAD
_TO_4_TOKENS = 2 * 8 + 9 * 8 * 4 + 3 * 9 * 4 * 4
_TO_4_TOKENS_BY_64 = 2 * 8 + (8 * 64 + 64) + (64 * 4 + 4)
_FROM_4_TOKENS = 3 * 2 * 8 + 4 * 4 + (8 * 64 + 64) + (64 * 4 + 4)  # norms, mixing, MLP

_VARIANTS: list[tuple[dict[str, Any], int]] = [
    ({"image_size": 24}, _SIZE + (36 - 16) * 8),
    ({"patch_size": 2}, (9 * 3 * 8 + 8) + 64 * 8 + 3 * _BLOCK + _HEAD),
    ({"dim": 4}, (9 * 3 * 2 + 2) + (9 * 2 * 4 + 4) + 16 * 4 + 3 * (8 + 4 * (16 + 4) + 8 + 60 + 52) + 8 + 25),
    ({"depth": 5, "num_classes": 10}, _SIZE + 2 * _BLOCK + 5 * (8 + 1)),
    ({"num_heads": 4, "mlp_output_activation": "gelu", "dropout_rate": 0.5}, _SIZE),
    ({"head_dim": 8}, _SIZE + 3 * (4 * 8 * 8 + 3 * 8)),
    ({"mlp_dims": (12, 20)}, _SIZE + 3 * (12 * 20 + 20 + (20 - 12) * 8)),
    ({"stem": "linear"}, _SIZE - _STEM + 4 * 4 * 3 * 8 + 8),
    ({"stem": "residual"}, _SIZE - _STEM + _RESIDUAL_STEM),
    (_LEARNER, _SIZE + _TO_4_TOKENS),
    ({**_LEARNER, "blocks_before_token_learner": 0}, _SIZE + _TO_4_TOKENS),
    ({**_LEARNER, "num_tokens": 8, "token_learner_pooling": "sum"}, _SIZE + 2 * 8 + 9 * 8 * 8 + 3 * 9 * 8 * 8),
    ({**_LEARNER, "token_reducer": "token_learner_v11"}, _SIZE + _TO_4_TOKENS_BY_64),
    (
        {**_LEARNER, "token_reducer": "token_learner_v11", "token_bottleneck_dim": 7},
        _SIZE + 2 * 8 + (8 * 7 + 7) + (7 * 4 + 4),
    ),
    ({**_LEARNER, "token_reducer": "patch_merger"}, _SIZE + 2 * 8 + 4 * 8),
    ({**_LEARNER, "token_reducer": "attention_pooling"}, _SIZE + 2 * 8 + 4 * 8 + 2 * 8 * 8 + (8 * 8 + 8)),
    ({**_LEARNER, "token_reducer": "space_to_channel"}, _SIZE + (4 * 8 * 8 + 8)),
    ({**_LEARNER, "token_reducer": "evit"}, _SIZE),
    *(({**_LEARNER, "token_reducer": reducer, "random_selection_seed": 3}, _SIZE) for reducer in CONTROLS),
    ({"shape_name": "patch4"}, _SIZE),
    ({**_LEARNER, "image_size": 20, "token_reducer": "average_pooling", "num_tokens": 5}, _SIZE + (25 - 16) * 8),
    (_FUSER, _SIZE + 2 * (_TO_4_TOKENS + _FROM_4_TOKENS)),
]
_PRESETS = {  # the parameters of the Keras example are those that its own code has in tf_keras 2.16
    "keras_example": (1_344_650, 101_549_312),
    "keras_example_8_tokens": (1_355_850, 79_836_416),
    "keras_example_4_tokens": (1_349_946, 78_065_920),
    "keras_example_8_blocks": (2_665_610, 202_212_608),
    "convolution_stem": (158_154, 11_887_232),
    "residual_stem": (204_906, 16_605_824),
}


@pytest.mark.parametrize(("changes", "parameters"), _VARIANTS, ids=str)
def test_a_variant_has_exactly_its_parameters_and_macs(changes: dict[str, Any], parameters: int) -> None:
    config = dataclasses.replace(_PLAIN, **changes)
    model = build_vit(config)
    assert model.count_params() == parameters
    assert count_macs(config).total == count_macs_of_graph(model, config.image_size)


def test_the_table_of_variants_varies_every_field() -> None:
    varied = {field for changes, _ in _VARIANTS for field in changes}
    assert varied == {field.name for field in dataclasses.fields(ViTConfig)}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_exactly_its_parameters_and_macs(name: str) -> None:
    model = build_vit(PRESETS[name])
    macs = count_macs(PRESETS[name]).total
    assert (model.count_params(), macs) == _PRESETS[name]
    assert count_macs_of_graph(model, PRESETS[name].image_size) == macs


@pytest.mark.parametrize(
    ("reducer", "use_token_fuser"),
    [(name, fused) for name, reducer in REDUCERS.items() for fused in {False, not reducer.takes_attention}],
)
def test_a_reducer_costs_what_its_graph_computes(reducer: str, use_token_fuser: bool) -> None:
    config = ViTConfig(
        image_size=16,
        patch_size=2,
        dim=12,
        depth=3,
        num_heads=3,
        head_dim=5,
        mlp_dims=(7, 11),
        num_classes=5,
        token_reducer=reducer,
        blocks_before_token_learner=1,
        num_tokens=16,
        token_bottleneck_dim=9,
        use_token_fuser=use_token_fuser,
    )
    assert count_macs(config).total == count_macs_of_graph(build_vit(config), config.image_size)


def test_macs_are_counted_by_part() -> None:
    stem = (8 * 8) * (9 * 3) * 4 + (4 * 4) * (9 * 4) * 8  # 16x16x3 -> 8x8x4 -> 4x4x8
    on_patches = 4 * (16 * 8 * 8) + 2 * (16 * 16 * 8) + 2 * (16 * 8 * 12)  # projections, attention, MLP
    on_tokens = 4 * (4 * 8 * 8) + 2 * (4 * 4 * 8) + 2 * (4 * 8 * 12)
    to_tokens = 16 * (9 * 8) * 4 + 3 * (16 * (9 * 4) * 4) + 4 * 16 * 8  # first map, three more, pooling
    from_tokens = 4 * 4 * 8 + 16 * (8 * 64 + 64 * 4) + 4 * 16 * 8  # mixing, shares, weighted sum
    plain = Macs(stem=stem, blocks_before=3 * on_patches, token_reducer=0, blocks_after=0, head=40)
    learner = Macs(stem=stem, blocks_before=2 * on_patches, token_reducer=to_tokens, blocks_after=on_tokens, head=40)
    fuser = Macs(
        stem=stem,
        blocks_before=on_patches,
        token_reducer=2 * (to_tokens + from_tokens),
        blocks_after=2 * on_tokens,
        head=40,
    )
    for changes, macs in (({}, plain), (_LEARNER, learner), (_FUSER, fuser)):
        assert count_macs(dataclasses.replace(_PLAIN, **changes)) == macs  # type: ignore[arg-type]
