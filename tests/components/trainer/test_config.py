"""What the Trainer can be told, and that it survives the way through TFX."""

import dataclasses
import json
import re
from typing import Any

import pydantic
import pytest

from components.trainer.config import FitConfig, SearchConfig, StateConfig, TrainerConfig, check_range
from models.macs import count_macs
from models.reducers.registry import CONTROLS, ControlReducer, TokenReducer
from models.search_space import name_point
from models.vit_config import ViTConfig

_CONFIG = TrainerConfig(
    backbone=ViTConfig(image_size=32, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(8,), num_classes=10),
    search=SearchConfig(
        tuner="halving",
        placements=(0, 2),
        token_counts=(2, 64),
        reducers=("token_learner", "token_learner_v11"),
        controls=CONTROLS,
        fusers=(False, True),
        max_mmacs=None,
        min_epochs=2,
        max_epochs=6,
        reduction_factor=3,
        max_trials=5,
        finalists=2,
        seeds=3,
        seed_deviation=0.01,
        workers=1,
        controls_may_win=True,
    ),
    fit=FitConfig(
        epochs=5,
        batch_size=4,
        learning_rate=1e-3,
        warmup_share=0.1,
        weight_decay=0.05,
        gradient_clip_norm=1.0,
        label_smoothing=0.1,
        ema_momentum=0.9,
        crop_padding=4,
        strategy="default",
        seed=1,
    ),
    state=StateConfig(folder="state", code_digest="abc"),
)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("search", {"placements": ()}, "search.placements is (); it must hold at least one value and none twice"),
        ("search", {"token_counts": ()}, "search.token_counts is (); it must hold at least one value and none twice"),
        ("search", {"reducers": ()}, "search.reducers is (); it must hold at least one value and none twice"),
        (
            "search",
            {"controls": ("top_k_norm",) * 2},
            "search.controls is ('top_k_norm', 'top_k_norm'); no value may appear twice",
        ),
        (
            "search",
            {"placements": (1, 1)},
            "search.placements is (1, 1); it must hold at least one value and none twice",
        ),
        (
            "search",
            {"fusers": (True, True)},
            "search.fusers is (True, True); it must hold at least one value and none twice",
        ),
        ("search", {"max_mmacs": -0.5}, "search.max_mmacs is -0.5; it must be at least 0"),
        ("search", {"max_mmacs": float("nan")}, "search.max_mmacs is nan; it must be at least 0"),
        ("search", {"min_epochs": 0}, "search.min_epochs is 0; it must be at least 1"),
        ("search", {"max_epochs": 1}, "search.max_epochs is 1; it must be at least 2"),
        ("search", {"reduction_factor": 1}, "search.reduction_factor is 1; it must be at least 2"),
        ("search", {"max_trials": 0}, "search.max_trials is 0; it must be at least 1"),
        ("search", {"finalists": 0}, "search.finalists is 0; it must be at least 1"),
        ("search", {"seeds": 0}, "search.seeds is 0; it must be at least 1"),
        ("fit", {"epochs": 0}, "fit.epochs is 0; it must be at least 1"),
        ("fit", {"batch_size": 0}, "fit.batch_size is 0; it must be at least 1"),
        ("fit", {"learning_rate": -1e-3}, "fit.learning_rate is -0.001; it must be in 0..1"),
        ("fit", {"warmup_share": 1.5}, "fit.warmup_share is 1.5; it must be in 0..1"),
        ("fit", {"weight_decay": 11}, "fit.weight_decay is 11; it must be in 0..10"),
        ("fit", {"gradient_clip_norm": -1.0}, "fit.gradient_clip_norm is -1.0; it must be at least 0"),
        ("fit", {"label_smoothing": float("nan")}, "fit.label_smoothing is nan; it must be in 0..1"),
        ("fit", {"ema_momentum": 1.1}, "fit.ema_momentum is 1.1; it must be in 0..1"),
        ("fit", {"crop_padding": 32}, "fit.crop_padding is 32; it must be in 0..31"),
        ("fit", {"seed": -1}, "fit.seed is -1; it must be at least 0"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_its_field(part: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(getattr(_CONFIG, part), **changes)


@pytest.mark.parametrize("value", [-0.5, 3])
def test_both_ends_of_a_range_belong_to_it(value: float) -> None:
    check_range("x", value, -0.5, 3)


def with_search(**changes: Any) -> TrainerConfig:
    """Returns the config with another search."""
    return dataclasses.replace(_CONFIG, search=dataclasses.replace(_CONFIG.search, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"placements": (0, 3)},
            "search.placements holds 3 and token_counts 2, but blocks_before_token_learner is 3; it must be in 0..2",
        ),
        (
            {"token_counts": (65, 2)},
            "search.placements holds 0 and token_counts 65, "
            "but num_tokens is 65; it must be in 1..64, the number of patches",
        ),
        (
            {"token_counts": (7,)},
            "search.placements holds 0 and token_counts 7, but num_tokens is 7; "
            "'average_pooling' cannot cut 8 x 8 patches into that many equal rectangles "
            "(--search.controls can leave average_pooling out)",
        ),
    ],
)
def test_a_point_that_cannot_be_built_is_named_before_any_training(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        with_search(**changes)


def test_the_points_within_a_ceiling_are_those_that_cost_as_much_or_less() -> None:
    macs = {point: count_macs(point).total for point in _CONFIG.space().points()}
    ceiling = sorted(macs.values())[len(macs) // 2]
    affordable = with_search(max_mmacs=ceiling / 1e6).affordable_points()
    assert set(affordable) == {point for point, cost in macs.items() if cost <= ceiling}
    assert ceiling in {macs[point] for point in affordable}
    assert 0 < len(affordable) < len(macs)
    assert with_search(max_mmacs=None).affordable_points() == _CONFIG.space().points()


@pytest.mark.parametrize("mlp_dim", range(1, 9))  # some costs would be rounded up, others down
def test_a_ceiling_below_the_cheapest_point_names_one_that_suffices(mlp_dim: int) -> None:
    backbone = dataclasses.replace(_CONFIG.backbone, mlp_dims=(mlp_dim,))
    search = dataclasses.replace(_CONFIG.search, max_mmacs=0.01)
    with pytest.raises(ValueError, match=r"^search.max_mmacs is 0.01; the cheapest point needs [0-9.]+$") as caught:
        dataclasses.replace(_CONFIG, backbone=backbone, search=search)
    named = float(str(caught.value).rpartition(" ")[2])
    affordable = dataclasses.replace(
        _CONFIG, backbone=backbone, search=dataclasses.replace(search, max_mmacs=named)
    ).affordable_points()
    cheapest = min(
        count_macs(point).total for point in dataclasses.replace(_CONFIG, backbone=backbone).space().points()
    )
    assert {count_macs(point).total for point in affordable} == {cheapest}
    assert named < cheapest / 1e6 + 0.001


@pytest.mark.parametrize("controls", [(), ("top_k_norm",), CONTROLS])
def test_the_backbone_and_the_controls_that_are_asked_for_are_in_the_space(
    controls: tuple[ControlReducer, ...],
) -> None:
    config = with_search(
        placements=(1,), token_counts=(4,), reducers=("token_learner",), controls=controls, fusers=(False,)
    )
    names = ["no_reducer", "token_learner-4@1", *(f"{control}-4@1" for control in controls)]
    assert [name_point(point) for point in config.space().points()] == names


def test_a_reducer_that_is_a_control_too_is_tried_once() -> None:
    reducers: tuple[TokenReducer, ...] = ("top_k_norm", "average_pooling")
    config = with_search(placements=(1,), token_counts=(4,), reducers=reducers, fusers=(False,))
    names = [name_point(point) for point in config.space().points()]
    assert names == ["no_reducer", "top_k_norm-4@1", "average_pooling-4@1", "random_selection-4@1"]


def test_a_config_comes_back_equal_from_json() -> None:
    text = json.dumps(dataclasses.asdict(_CONFIG))
    assert pydantic.TypeAdapter(TrainerConfig).validate_python(json.loads(text)) == _CONFIG


@pytest.mark.parametrize(("field", "value"), [("tuner", "annealing"), ("reducers", ["pooling"])])
def test_a_name_that_there_is_not_does_not_come_back_from_json(field: str, value: object) -> None:
    data = json.loads(json.dumps(dataclasses.asdict(_CONFIG)))
    data["search"][field] = value
    with pytest.raises(pydantic.ValidationError, match=field):
        pydantic.TypeAdapter(TrainerConfig).validate_python(data)
