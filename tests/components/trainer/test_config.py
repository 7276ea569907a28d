"""The settings of the Trainer: their ranges, their points, and their way through TFX as JSON."""

import dataclasses
import json
import re
from typing import Any

import pydantic
import pytest
from trainings import with_search

from components.trainer.config import TrainerConfig, check_range, name_option
from models.macs import count_macs
from models.reducers.registry import CONTROLS
from models.search_space import name_point
from models.vit_config import ViTConfig


@pytest.fixture
def config(config: TrainerConfig) -> TrainerConfig:
    """With a larger space than that of the trainings."""
    backbone = ViTConfig(image_size=32, patch_size=4, dim=8, depth=3, num_heads=2, mlp_dims=(8,), num_classes=10)
    search = dataclasses.replace(
        config.search,
        placements=(0, 2),
        token_counts=(2, 64),
        reducers=("token_learner", "token_learner_v11"),
        controls=CONTROLS,
        fusers=(False, True),
        min_epochs=2,
    )
    return dataclasses.replace(config, backbone=backbone, search=search)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("search.max_mmacs", -0.5, "it must be at least 0"),
        ("search.max_mmacs", float("nan"), "it must be at least 0"),
        ("search.min_epochs", 0, "it must be at least 1"),
        ("search.max_epochs", 1, "it must be at least --search.min-epochs, 2"),
        ("search.reduction_factor", 1, "it must be at least 2"),
        ("search.max_trials", 0, "it must be at least 1"),
        ("search.finalists", 0, "it must be at least 1"),
        ("search.seeds", 0, "it must be at least 1"),
        ("search.seed_deviation", 1.1, "it must be in 0..1"),
        ("search.workers", 0, "it must be at least 1"),
        ("fit.epochs", 0, "it must be at least 1"),
        ("fit.batch_size", 0, "it must be at least 1"),
        ("fit.learning_rate", -1e-3, "it must be in 0..1"),
        ("fit.warmup_share", 1.5, "it must be in 0..1"),
        ("fit.weight_decay", 11, "it must be in 0..10"),
        ("fit.gradient_clip_norm", -1.0, "it must be at least 0"),
        ("fit.label_smoothing", float("nan"), "it must be in 0..1"),
        ("fit.ema_momentum", 1.1, "it must be in 0..1"),
        ("fit.crop_padding", 32, "it must be in 0..31"),
        ("fit.seed", -1, "it must be at least 0"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_its_option(
    field: str, value: object, message: str, config: TrainerConfig
) -> None:
    part, _, name = field.partition(".")
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name_option(field)} is {value}; {message}')}$"):
        dataclasses.replace(getattr(config, part), **{name: value})


@pytest.mark.parametrize("value", [-0.5, 3])
def test_both_ends_of_a_range_belong_to_it(value: float) -> None:
    check_range("x", value, -0.5, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"placements": (0, 3)},
            "--search.placements has 3; it must be in 0..2 (--model.depth is 3)",
        ),
        (
            {"token_counts": (65,)},
            "--search.token-counts has 65; it must be in 1..64, the number of patches "
            "(--data.image-size is 32, --model.patch-size 4)",
        ),
    ],
)
def test_a_point_that_cannot_be_built_is_named_before_any_training(
    changes: dict[str, Any], message: str, config: TrainerConfig
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        with_search(config, **changes)


def test_the_points_within_a_ceiling_are_those_that_cost_as_much_or_less(config: TrainerConfig) -> None:
    macs = {point: count_macs(point).total for point in config.space().points()}
    ceiling = sorted(macs.values())[len(macs) // 2]
    affordable = with_search(config, max_mmacs=ceiling / 1e6).affordable_points()
    assert set(affordable) == {point for point, cost in macs.items() if cost <= ceiling}
    assert ceiling in {macs[point] for point in affordable}
    assert 0 < len(affordable) < len(macs)
    assert config.affordable_points() == config.space().points()


@pytest.mark.parametrize("mlp_dim", range(1, 9))  # some costs would be rounded up, others down
def test_a_ceiling_below_the_cheapest_point_names_one_that_suffices(mlp_dim: int, config: TrainerConfig) -> None:
    config = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, mlp_dims=(mlp_dim,)))
    with pytest.raises(
        ValueError, match=r"^--search.max-mmacs is 0.01; the cheapest candidate needs [0-9.]+$"
    ) as caught:
        with_search(config, max_mmacs=0.01)
    named = float(str(caught.value).rpartition(" ")[2])
    cheapest = min(count_macs(point).total for point in config.space().points())
    affordable = with_search(config, max_mmacs=named).affordable_points()
    assert {count_macs(point).total for point in affordable} == {cheapest}
    assert named < cheapest / 1e6 + 0.001


@pytest.mark.parametrize(
    ("reducers", "controls", "names"),
    [
        (("token_learner",), (), ["token_learner"]),
        (("token_learner",), ("top_k_norm",), ["token_learner", "top_k_norm"]),
        (("token_learner",), CONTROLS, ["token_learner", *CONTROLS]),
        (("top_k_norm", "average_pooling"), CONTROLS, ["top_k_norm", "average_pooling", "random_selection"]),
    ],
)
def test_the_backbone_and_each_reducer_are_in_the_space_once(
    reducers: Any, controls: Any, names: list[str], config: TrainerConfig
) -> None:
    found = with_search(
        config, placements=(1,), token_counts=(4,), reducers=reducers, controls=controls, fusers=(False,)
    )
    expected = ["no_reducer", *(f"{name}-4@1" for name in names)]
    assert [name_point(point) for point in found.space().points()] == expected


def test_a_config_comes_back_from_json_unless_a_name_is_unknown(config: TrainerConfig) -> None:
    adapter = pydantic.TypeAdapter(TrainerConfig)
    data = json.loads(json.dumps(dataclasses.asdict(config)))
    assert adapter.validate_python(data) == config
    for field, value in (("tuner", "annealing"), ("reducers", ["pooling"])):
        with pytest.raises(pydantic.ValidationError, match=field):
            adapter.validate_python({**data, "search": {**data["search"], field: value}})
