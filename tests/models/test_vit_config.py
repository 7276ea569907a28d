"""Which Vision Transformers can be described, and what follows from their sizes."""

import dataclasses
import re
import subprocess
import sys
from typing import Any

import pytest

from models.vit_config import ViTConfig

_PLAIN = ViTConfig(
    image_size=32, patch_size=4, dim=12, depth=4, num_heads=3, mlp_dim=24, dropout_rate=0.1, num_classes=10
)


@pytest.mark.parametrize("field", ["image_size", "dim", "depth", "num_heads", "mlp_dim", "num_classes"])
@pytest.mark.parametrize("value", [0, -3])
def test_a_size_below_one_is_rejected(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"^{field} is {value}; it must be at least 1$"):
        dataclasses.replace(_PLAIN, **{field: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 1}, "patch_size is 1; it must be a power of two, at least 2"),
        ({"patch_size": 0}, "patch_size is 0; it must be a power of two, at least 2"),
        ({"patch_size": -4}, "patch_size is -4; it must be a power of two, at least 2"),
        ({"patch_size": 6, "image_size": 48}, "patch_size is 6; it must be a power of two, at least 2"),
        ({"patch_size": 64}, "patch_size is 64; it must divide image_size, which is 32"),
        ({"image_size": 30}, "patch_size is 4; it must divide image_size, which is 30"),
        ({"num_heads": 5}, "num_heads is 5; it must divide dim, which is 12"),
        ({"patch_size": 16}, "dim is 12; the stem needs a multiple of patch_size / 2 = 8"),
        ({"dropout_rate": -0.1}, "dropout_rate is -0.1; it must be at least 0 and below 1"),
        ({"dropout_rate": 1.0}, "dropout_rate is 1.0; it must be at least 0 and below 1"),
        ({"dropout_rate": float("nan")}, "dropout_rate is nan; it must be at least 0 and below 1"),
    ],
)
def test_sizes_that_do_not_fit_together_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, **changes)


@pytest.mark.parametrize(
    ("placement", "num_tokens", "message"),
    [
        (1, None, "blocks_before_token_learner is 1 and num_tokens is None; give both for a TokenLearner, or neither"),
        (None, 8, "blocks_before_token_learner is None and num_tokens is 8; give both for a TokenLearner, or neither"),
        (4, 8, "blocks_before_token_learner is 4; it must be in 0..3"),
        (-1, 8, "blocks_before_token_learner is -1; it must be in 0..3"),
        (1, 0, "num_tokens is 0; it must be in 1..64, the number of patches"),
        (1, 65, "num_tokens is 65; it must be in 1..64, the number of patches"),
    ],
)
def test_a_token_learner_that_cannot_stand_there_is_rejected(
    placement: int | None, num_tokens: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_PLAIN, blocks_before_token_learner=placement, num_tokens=num_tokens)


@pytest.mark.parametrize("placement", [0, 3])
@pytest.mark.parametrize("num_tokens", [1, 64])
def test_the_ends_of_the_allowed_ranges_are_accepted(placement: int, num_tokens: int) -> None:
    config = dataclasses.replace(
        _PLAIN, blocks_before_token_learner=placement, num_tokens=num_tokens, dropout_rate=0.0, num_classes=1
    )
    assert (config.blocks_before_token_learner, config.num_tokens) == (placement, num_tokens)


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
    assert config.stem_widths == stem_widths
    assert config.grid_size == grid_size
    assert config.num_patches == num_patches


def test_describing_a_network_imports_no_keras() -> None:
    code = "import sys, models.vit_config; print(sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
