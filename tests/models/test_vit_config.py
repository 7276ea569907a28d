"""Which Vision Transformers can be described, and what follows from their sizes."""

import dataclasses
import re
from typing import Any

import pytest

from models.patch_grid import tile_grid
from models.reducers.registry import REDUCERS
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(
    image_size=32, patch_size=4, dim=12, depth=4, num_heads=3, mlp_dims=(24,), dropout_rate=0.1, num_classes=10
)


def describe_reducer(name: str | None, placement: float | None, num_tokens: int | None) -> dict[str, Any]:
    return {"token_reducer": name, "blocks_before_token_learner": placement, "num_tokens": num_tokens}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({field: 0}, f"{field} is 0; it must be at least 1")
            for field in ("image_size", "patch_size", "dim", "depth", "num_heads", "head_dim", "num_classes")
        ),
        ({"token_bottleneck_dim": -3}, "token_bottleneck_dim is -3; it must be at least 1"),
        ({"random_selection_seed": -1}, "random_selection_seed is -1; it must be at least 0"),
        ({"dim": 64.0}, "dim is 64.0; it must be an integer"),
        ({"mlp_dims": (64, 8.5)}, "a width in mlp_dims is 8.5; it must be an integer"),
        (describe_reducer("token_learner", 1.5, 4), "blocks_before_token_learner is 1.5; it must be an integer"),
        ({"patch_size": 1}, "patch_size is 1; the stem 'convolution' needs at least 2"),
        ({"stem": "linear", "patch_size": 5}, "patch_size is 5; it must divide image_size, which is 32"),
        ({"num_heads": 5}, "num_heads is 5; it must divide dim, which is 12, or head_dim must be given"),
        ({"patch_size": 16}, "dim is 12; the stem 'convolution' needs a multiple of 8 for patch_size 16"),
        ({"mlp_dims": ()}, "mlp_dims is (); it must hold at least one width"),
        ({"mlp_dims": (24, 0)}, "a width in mlp_dims is 0; it must be at least 1"),
        ({"stem": "pool"}, "stem is 'pool'; it must be one of ('convolution', 'residual', 'linear')"),
        ({"mlp_output_activation": "relu"}, "mlp_output_activation is 'relu'; it must be one of ('linear', 'gelu')"),
        ({"token_learner_pooling": "max"}, "token_learner_pooling is 'max'; it must be one of ('mean', 'sum')"),
        ({"use_token_fuser": True}, "use_token_fuser is True without a token_reducer; there are no tokens to fuse"),
        ({"dropout_rate": -0.1}, "dropout_rate is -0.1; it must be at least 0 and below 1"),
        ({"dropout_rate": 1.0}, "dropout_rate is 1.0; it must be at least 0 and below 1"),
        (describe_reducer("pool", 1, 8), f"token_reducer is 'pool'; it must be one of {(None, *REDUCERS)}"),
        *(
            (
                describe_reducer(*values),
                f"token_reducer is {values[0]!r}, blocks_before_token_learner {values[1]} and num_tokens {values[2]}; "
                "give all three, or none of them",
            )
            for values in (("token_learner", 1, None), ("top_k_norm", None, 8), (None, 1, 8), (None, None, 8))
        ),
        (describe_reducer("token_learner", 4, 8), "blocks_before_token_learner is 4; it must be in 0..3"),
        (describe_reducer("random_selection", -1, 8), "blocks_before_token_learner is -1; it must be in 0..3"),
        (
            describe_reducer("token_learner_v11", 1, 0),
            "num_tokens is 0; it must be in 1..64, the number of patches",
        ),
        (describe_reducer("evit", 0, 8), "blocks_before_token_learner is 0; it must be in 1..3 for 'evit'"),
        (
            {**describe_reducer("evit", 1, 8), "use_token_fuser": True},
            "use_token_fuser is True; 'evit' needs the attention of a block on all patches",
        ),
        (describe_reducer("top_k_norm", 1, 65), "num_tokens is 65; it must be in 1..64, the number of patches"),
        (
            describe_reducer("average_pooling", 1, 5),
            "num_tokens is 5; 'average_pooling' cannot cut 8 x 8 patches into that many equal rectangles",
        ),
    ],
    ids=str,
)
def test_networks_that_cannot_be_built_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, **changes)


@pytest.mark.parametrize("reducer", REDUCERS)
@pytest.mark.parametrize(("placement", "num_tokens"), [(0, 1), (3, 64)])
def test_the_ends_of_the_allowed_ranges_are_accepted(reducer: str, placement: int, num_tokens: int) -> None:
    entry = REDUCERS[reducer]
    changes = describe_reducer(reducer, max(placement, entry.min_blocks_before), num_tokens)
    changes["use_token_fuser"] = placement == 0 and not entry.takes_attention
    config = dataclasses.replace(_PLAIN, **changes, dropout_rate=0.0, num_classes=1, num_heads=5, head_dim=7)
    assert config.head_width == 7
    assert _PLAIN.head_width == 4


@pytest.mark.parametrize(
    ("height", "width", "tiles", "cut"),
    [
        (8, 8, 1, (1, 1)),
        (8, 8, 64, (8, 8)),
        (4, 6, 6, (2, 3)),
        (2, 8, 4, (1, 4)),
        (3, 12, 9, (3, 3)),
        (6, 6, 12, (2, 6)),
        (8, 8, 24, None),
        (8, 8, 65, None),
    ],
)
def test_a_grid_is_cut_into_rectangles_as_square_as_possible(
    height: int, width: int, tiles: int, cut: tuple[int, int] | None
) -> None:
    assert tile_grid(height, width, tiles) == cut


@pytest.mark.parametrize(
    ("changes", "num_patches", "convolutions"),
    [
        ({"patch_size": 2}, 256, [(3, 12, 3, 2, 16)]),
        ({"patch_size": 8}, 16, [(3, 3, 3, 2, 16), (3, 6, 3, 2, 8), (6, 12, 3, 2, 4)]),
        (
            {"patch_size": 32, "dim": 48},
            1,
            [(3, 3, 3, 2, 16), (3, 6, 3, 2, 8), (6, 12, 3, 2, 4), (12, 24, 3, 2, 2), (24, 48, 3, 2, 1)],
        ),
        ({"stem": "residual"}, 64, [(3, 6, 3, 2, 16), (6, 6, 3, 1, 16), (6, 12, 3, 2, 8), (12, 12, 3, 1, 8)]),
        ({"patch_size": 6, "image_size": 48}, 64, [(3, 6, 3, 2, 24), (6, 12, 3, 3, 8)]),
        ({"patch_size": 10, "image_size": 80}, 64, [(3, 6, 3, 2, 40), (6, 12, 5, 5, 8)]),
    ],
)
def test_the_strides_of_the_stem_are_twos_and_the_odd_factor_of_the_patch(
    changes: dict[str, Any], num_patches: int, convolutions: list[tuple[int, ...]]
) -> None:
    config = dataclasses.replace(_PLAIN, **changes)
    assert config.num_patches == num_patches
    assert [dataclasses.astuple(layer) for layer in config.stem_convolutions] == convolutions


def test_a_linear_stem_takes_any_patch_that_divides_the_image() -> None:
    assert dataclasses.replace(_PLAIN, stem="linear", image_size=48, patch_size=6).grid_size == 8
    assert dataclasses.replace(_PLAIN, stem="linear", patch_size=1).num_patches == 1024
