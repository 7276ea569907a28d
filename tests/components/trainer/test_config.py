"""What the Trainer can be told, and that it survives the way through TFX."""

import dataclasses
import json
import re
from typing import Any

import pydantic
import pytest

from components.trainer.config import FitConfig, SearchConfig, TrainerConfig, check_range
from models.vit_config import ViTConfig

_CONFIG = TrainerConfig(
    trunk=ViTConfig(
        image_size=32, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dim=8, dropout_rate=0.1, num_classes=10
    ),
    search=SearchConfig(placements=(0, 2), token_counts=(2, 64), max_trials=3, epochs=2),
    fit=FitConfig(
        epochs=5,
        batch_size=4,
        learning_rate=1e-3,
        warmup_share=0.1,
        weight_decay=0.05,
        gradient_clip_norm=1.0,
        label_smoothing=0.1,
        crop_padding=4,
        shuffle_buffer=100,
        seed=1,
    ),
)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("search", {"placements": ()}, "search.placements is (); it must hold at least one value and none twice"),
        ("search", {"token_counts": ()}, "search.token_counts is (); it must hold at least one value and none twice"),
        (
            "search",
            {"placements": (1, 1)},
            "search.placements is (1, 1); it must hold at least one value and none twice",
        ),
        ("search", {"max_trials": 0}, "search.max_trials is 0; it must be at least 1"),
        ("search", {"epochs": 0}, "search.epochs is 0; it must be at least 1"),
        ("fit", {"epochs": 0}, "fit.epochs is 0; it must be at least 1"),
        ("fit", {"batch_size": 0}, "fit.batch_size is 0; it must be at least 1"),
        ("fit", {"learning_rate": -1e-3}, "fit.learning_rate is -0.001; it must be in 0..1"),
        ("fit", {"warmup_share": 1.5}, "fit.warmup_share is 1.5; it must be in 0..1"),
        ("fit", {"weight_decay": 11}, "fit.weight_decay is 11; it must be in 0..10"),
        ("fit", {"label_smoothing": float("nan")}, "fit.label_smoothing is nan; it must be in 0..1"),
        ("fit", {"crop_padding": 32}, "fit.crop_padding is 32; it must be in 0..31"),
        ("fit", {"shuffle_buffer": 0}, "fit.shuffle_buffer is 0; it must be at least 1"),
        ("fit", {"seed": -1}, "fit.seed is -1; it must be at least 0"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_its_field(part: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(getattr(_CONFIG, part), **changes)


@pytest.mark.parametrize("value", [-0.5, 3])
def test_both_ends_of_a_range_belong_to_it(value: float) -> None:
    check_range("x", value, -0.5, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"placements": (0, 3)},
            "search.placements holds 3 and search.token_counts 2, "
            "but blocks_before_token_learner is 3; it must be in 0..2",
        ),
        (
            {"token_counts": (65, 2)},
            "search.placements holds 0 and search.token_counts 65, "
            "but num_tokens is 65; it must be in 1..64, the number of patches",
        ),
    ],
)
def test_a_point_that_cannot_be_built_is_named_before_any_training(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_CONFIG, search=dataclasses.replace(_CONFIG.search, **changes))


def test_a_config_comes_back_equal_from_json() -> None:
    text = json.dumps(dataclasses.asdict(_CONFIG))
    assert pydantic.TypeAdapter(TrainerConfig).validate_python(json.loads(text)) == _CONFIG
