"""Which Vision Transformers can be described, and what follows from their sizes."""

import dataclasses
import re
import subprocess
import sys
from typing import Any

import pytest

from models.patch_grid import tile_grid
from models.reducers.registry import REDUCERS
from models.vit_config import ViTConfig

_PLAIN = ViTConfig(
    image_size=32, patch_size=4, dim=12, depth=4, num_heads=3, mlp_dims=(24,), dropout_rate=0.1, num_classes=10
)


@pytest.mark.parametrize(
    "field",
    ["image_size", "patch_size", "dim", "depth", "num_heads", "head_dim", "num_classes", "token_bottleneck_dim"],
)
@pytest.mark.parametrize("value", [0, -3])
def test_a_size_below_one_is_rejected(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"^{field} is {value}; it must be at least 1$"):
        dataclasses.replace(_PLAIN, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 1}, "patch_size is 1; the stem 'convolution' needs a power of two, at least 2"),
        (
            {"patch_size": 6, "image_size": 48},
            "patch_size is 6; the stem 'convolution' needs a power of two, at least 2",
        ),
        ({"patch_size": 64}, "patch_size is 64; it must divide image_size, which is 32"),
        ({"image_size": 30}, "patch_size is 4; it must divide image_size, which is 30"),
        ({"num_heads": 5}, "num_heads is 5; it must divide dim, which is 12, or head_dim must be given"),
        ({"patch_size": 16}, "dim is 12; the stem 'convolution' needs a multiple of patch_size / 2 = 8"),
        ({"stem": "linear", "patch_size": 5}, "patch_size is 5; it must divide image_size, which is 32"),
        ({"positions": "sincos_2d", "dim": 18}, "dim is 18; positions 'sincos_2d' needs a multiple of 4"),
        ({"mlp_dims": ()}, "mlp_dims is (); it must hold at least one width"),
        ({"mlp_dims": (24, 0)}, "a width in mlp_dims is 0; it must be at least 1"),
        ({"stem": "pool"}, "stem is 'pool'; it must be one of ('convolution', 'residual', 'linear')"),
        ({"positions": "none"}, "positions is 'none'; it must be one of ('learned', 'sincos_2d')"),
        ({"pooling": "max"}, "pooling is 'max'; it must be one of ('mean', 'sequence')"),
        ({"mlp_output_activation": "relu"}, "mlp_output_activation is 'relu'; it must be one of ('linear', 'gelu')"),
        ({"token_learner_pooling": "max"}, "token_learner_pooling is 'max'; it must be one of ('mean', 'sum')"),
        ({"use_token_fuser": True}, "use_token_fuser is True without a token_reducer; there are no tokens to fuse"),
        ({"dropout_rate": -0.1}, "dropout_rate is -0.1; it must be at least 0 and below 1"),
        ({"dropout_rate": 1.0}, "dropout_rate is 1.0; it must be at least 0 and below 1"),
        ({"dropout_rate": float("nan")}, "dropout_rate is nan; it must be at least 0 and below 1"),
    ],
)
def test_sizes_that_do_not_fit_together_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, **changes)


@pytest.mark.parametrize(
    ("reducer", "placement", "num_tokens"),
    [("token_learner", 1, None), ("top_k_norm", None, 8), (None, 1, 8), (None, 1, None), (None, None, 8)],
)
def test_a_reducer_without_a_place_or_a_number_of_tokens_is_rejected(
    reducer: Any, placement: int | None, num_tokens: int | None
) -> None:
    message = (
        f"token_reducer is {reducer!r}, blocks_before_token_learner {placement} and num_tokens {num_tokens}; "
        "give all three, or none of them"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=num_tokens)


@pytest.mark.parametrize(
    ("reducer", "placement", "num_tokens", "message"),
    [
        ("token_learner", 4, 8, "blocks_before_token_learner is 4; it must be in 0..3"),
        ("random_selection", -1, 8, "blocks_before_token_learner is -1; it must be in 0..3"),
        ("token_learner_v11", 1, 0, "num_tokens is 0; it must be in 1..64, the number of patches"),
        ("top_k_norm", 1, 65, "num_tokens is 65; it must be in 1..64, the number of patches"),
        (
            "average_pooling",
            1,
            5,
            "num_tokens is 5; 'average_pooling' cannot cut 8 x 8 patches into that many equal rectangles",
        ),
    ],
)
def test_a_reducer_that_cannot_stand_there_is_rejected(
    reducer: Any, placement: int, num_tokens: int, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=num_tokens)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 64.0}, "dim is 64.0; it must be an integer"),
        ({"depth": True}, "depth is True; it must be an integer"),
        ({"mlp_dims": (24.0,)}, "a width in mlp_dims is 24.0; it must be an integer"),
        ({"random_selection_seed": -1}, "random_selection_seed is -1; it must be at least 0"),
        ({"blocks_before_token_learner": 1.5}, "blocks_before_token_learner is 1.5; it must be an integer"),
        ({"num_tokens": "8"}, "num_tokens is '8'; it must be an integer"),
    ],
)
def test_numbers_that_count_are_integers(changes: dict[str, Any], message: str) -> None:
    reduced = dataclasses.replace(_PLAIN, token_reducer="random_selection", blocks_before_token_learner=1, num_tokens=8)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(reduced, **changes)


def test_another_reducer_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^token_reducer is 'pool'; it must be one of \(None, 'token_learner',"):
        dataclasses.replace(_PLAIN, **{"token_reducer": "pool", "blocks_before_token_learner": 1, "num_tokens": 8})  # type: ignore[arg-type]


@pytest.mark.parametrize("reducer", list(REDUCERS))
@pytest.mark.parametrize("placement", [0, 3])
@pytest.mark.parametrize("num_tokens", [1, 64])
@pytest.mark.parametrize("use_token_fuser", [False, True])
def test_the_ends_of_the_allowed_ranges_are_accepted(
    reducer: Any, placement: int, num_tokens: int, use_token_fuser: bool
) -> None:
    changes = {
        "token_reducer": reducer,
        "blocks_before_token_learner": placement,
        "num_tokens": num_tokens,
        "use_token_fuser": use_token_fuser,
        "dropout_rate": 0.0,
        "num_classes": 1,
    }
    config = dataclasses.replace(_PLAIN, **changes)
    assert {name: getattr(config, name) for name in changes} == changes


def test_a_head_may_have_any_width() -> None:
    assert _PLAIN.head_width == 4
    assert dataclasses.replace(_PLAIN, num_heads=5, head_dim=7).head_width == 7


def test_a_linear_stem_takes_any_patch_that_divides_the_image() -> None:
    config = dataclasses.replace(_PLAIN, stem="linear", image_size=48, patch_size=6)
    assert (config.grid_size, config.num_patches) == (8, 64)
    assert dataclasses.replace(_PLAIN, stem="linear", patch_size=1).num_patches == 1024


@pytest.mark.parametrize(
    ("height", "width", "tiles", "cut"),
    [
        (8, 8, 1, (1, 1)),
        (8, 8, 4, (2, 2)),
        (8, 8, 64, (8, 8)),
        (4, 6, 6, (2, 3)),
        (2, 8, 4, (1, 4)),
        (3, 12, 9, (3, 3)),
        (6, 6, 12, (2, 6)),
        (8, 8, 5, None),
        (8, 8, 24, None),
        (8, 8, 65, None),
    ],
)
def test_a_grid_is_cut_into_rectangles_as_square_as_can_be(
    height: int, width: int, tiles: int, cut: tuple[int, int] | None
) -> None:
    assert tile_grid(height, width, tiles) == cut


@pytest.mark.parametrize(
    ("image_size", "patch_size", "dim", "stem_widths", "grid_size", "num_patches"),
    [
        (32, 2, 12, (12,), 16, 256),
        (32, 4, 12, (6, 12), 8, 64),
        (32, 8, 12, (3, 6, 12), 4, 16),
        (48, 16, 24, (3, 6, 12, 24), 3, 9),
        (32, 32, 48, (3, 6, 12, 24, 48), 1, 1),
    ],
)
def test_the_stem_halves_the_image_once_for_each_doubling_of_the_patch(
    image_size: int, patch_size: int, dim: int, stem_widths: tuple[int, ...], grid_size: int, num_patches: int
) -> None:
    config = dataclasses.replace(_PLAIN, image_size=image_size, patch_size=patch_size, dim=dim)
    sizes = tuple(image_size >> (i + 1) for i in range(len(stem_widths)))
    layers = config.stem_convolutions
    assert tuple((layer.channels, layer.width, layer.stride, layer.output_size) for layer in layers) == tuple(
        zip((3, *stem_widths), stem_widths, (2,) * len(sizes), sizes, strict=False)
    )
    assert config.grid_size == grid_size
    assert config.num_patches == num_patches


def test_the_residual_stem_has_a_second_convolution_at_each_size() -> None:
    layers = dataclasses.replace(_PLAIN, stem="residual", image_size=32, patch_size=4, dim=12).stem_convolutions
    assert [(layer.channels, layer.width, layer.stride, layer.output_size) for layer in layers] == [
        (3, 6, 2, 16),
        (6, 6, 1, 16),
        (6, 12, 2, 8),
        (12, 12, 1, 8),
    ]


def test_describing_a_network_imports_no_keras() -> None:
    code = "import sys, models.vit_config; print(sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
