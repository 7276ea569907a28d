"""A search space is the product of its axes; each point has points to compare it with."""

import dataclasses
import itertools
import re
import subprocess
import sys
from typing import Any

import pytest

from models.reducers.registry import CONTROLS
from models.search_space import (
    SearchSpace,
    describe_point,
    find_controls,
    find_references,
    is_control,
    is_learned,
    name_point,
    name_references,
)
from models.vit_config import ViTConfig
from pipeline.config import PROFILES

_SPACES = {profile: config.trainer(code_digest="").space() for profile, config in PROFILES.items()}
_BACKBONE = ViTConfig(image_size=16, patch_size=4, dim=8, depth=4, num_heads=2, mlp_dims=(12,), num_classes=5)
_SPACE = SearchSpace(
    backbone=_BACKBONE,
    placements=(0, 3),
    token_counts=(1, 2, 4),
    reducers=("token_learner_v11", "token_learner"),
    controls=CONTROLS,
    fusers=(True, False),
)


@pytest.mark.parametrize("space", [*_SPACES.values(), _SPACE], ids=[*_SPACES, "with fusers"])
def test_a_space_is_its_axes_multiplied_and_the_backbone(space: SearchSpace) -> None:
    points = space.points()
    axes = (space.placements, space.token_counts, space.fusers)
    arms = len(space.reducers) + len(space.controls)
    assert len(points) == 1 + arms * len(list(itertools.product(*axes)))
    assert points[0] == space.backbone
    assert len(set(points)) == len(points)
    assert len({name_point(point) for point in points}) == len(points)
    assert len({tuple(describe_point(point).items()) for point in points}) == len(points)
    of_learned = [control for point in points if is_learned(point) for control in find_controls(point)]
    assert {each for each in of_learned if each.token_reducer in (None, *space.controls)} <= set(points)


def test_a_point_has_the_backbone_of_its_space_and_values_of_its_axes() -> None:
    point = next(point for point in _SPACE.points() if name_point(point) == "token_learner_v11-4@3+fuser")
    assert point == dataclasses.replace(
        _BACKBONE,
        token_reducer="token_learner_v11",
        blocks_before_token_learner=3,
        num_tokens=4,
        use_token_fuser=True,
    )
    assert describe_point(point) == {
        "token_reducer": "token_learner_v11",
        "blocks_before_token_learner": 3,
        "num_tokens": 4,
        "use_token_fuser": True,
    }
    assert (name_point(_BACKBONE), describe_point(_BACKBONE)) == ("no_reducer", {"token_reducer": "no_reducer"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"placements": (0, 4)}, "--search.placements has 4; it must be in 0..3 (--model.depth is 4)"),
        ({"depths": (2, 3)}, "--search.placements has 3; it must be in 0..2 (--search.depths has 3)"),
        (
            {"patch_sizes": (4, 3), "dims": (16,)},
            "a shape of --search.patch-sizes 3 and --search.dims 16 cannot be built: "
            "patch_size is 3; it must divide image_size, which is 16",
        ),
        (
            {"token_counts": (4, 17)},
            "--search.token-counts has 17; it must be in 1..16, the number of patches "
            "(--data.image-size is 16, --model.patch-size 4)",
        ),
        (
            {"token_counts": (3,), "reducers": ("average_pooling",)},
            "--search.placements has 0 and --search.token-counts 3, but num_tokens is 3; "
            "'average_pooling' cannot cut 4 x 4 patches into that many equal rectangles",
        ),
    ],
)
def test_a_space_with_a_point_that_cannot_be_built_says_which_and_why(
    changes: dict[str, tuple[int | str, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(_SPACE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image_size", "token_counts", "left_out"),
    [
        (16, (3, 8), ["average_pooling-3"]),  # 4 x 4 patches; 8 are tiles of 2 x 1
        (20, (3, 5, 25), ["average_pooling-3"]),  # 5 x 5; 5 are rows
        (24, (5, 6, 9), ["average_pooling-5"]),  # 6 x 6; 6 are tiles of 2 x 3
        (28, (7, 10), ["average_pooling-10"]),
    ],
)
def test_a_control_without_tiles_at_a_token_count_is_left_out_there_and_nothing_else(
    image_size: int, token_counts: tuple[int, ...], left_out: list[str]
) -> None:
    backbone = dataclasses.replace(_BACKBONE, image_size=image_size)
    space = dataclasses.replace(_SPACE, backbone=backbone, placements=(1,), token_counts=token_counts, fusers=(False,))
    expected = {f"{reducer}-{count}" for reducer in space.token_reducers for count in token_counts} - {*left_out}
    assert {name_point(point).partition("@")[0] for point in space.points()} == {"no_reducer", *expected}
    [reason], grid = space.left_out(), image_size // 4
    assert reason == (
        f"num_tokens is {left_out[0].partition('-')[2]}; 'average_pooling' cannot cut {grid} x {grid} patches into "
        "that many equal rectangles"
    )
    assert _SPACE.left_out() == ()


def test_a_learned_point_is_compared_with_the_backbone_and_the_controls_at_its_place_and_token_count() -> None:
    kinds = {point.token_reducer: (is_learned(point), is_control(point)) for point in _SPACE.points()}
    assert [reducer for reducer, kind in kinds.items() if kind == (True, False)] == list(_SPACE.reducers)
    assert [reducer for reducer, kind in kinds.items() if kind == (False, True)] == list(CONTROLS)
    learned = next(point for point in _SPACE.points() if name_point(point) == "token_learner-4@3+fuser")
    controls = [f"{control}-4@3+fuser" for control in CONTROLS]
    assert [name_point(control) for control in find_controls(learned)] == ["no_reducer", *controls]


def test_a_finalist_is_compared_with_no_reducer_and_average_pooling_where_the_grid_allows_it() -> None:
    points = {name_point(point): point for point in _SPACE.points()}

    def references(name: str) -> list[str]:
        return [name_point(reference) for reference in find_references(points[name])]

    assert references("token_learner-4@3+fuser") == ["no_reducer", "average_pooling-4@3+fuser"]
    assert references("top_k_norm-4@3+fuser") == ["no_reducer", "average_pooling-4@3+fuser"]
    assert references("average_pooling-4@3+fuser") == ["no_reducer"]
    assert references("no_reducer") == []
    odd = dataclasses.replace(points["token_learner-4@3+fuser"], num_tokens=5)  # no tiles of 64 patches
    assert [name_point(reference) for reference in find_references(odd)] == ["no_reducer"]


def test_shapes_multiply_the_space_and_stand_in_the_names_of_its_points() -> None:
    shapes: dict[str, Any] = {"patch_sizes": (4, 2), "depths": (2, 4), "dims": (8, 12)}
    space = dataclasses.replace(_SPACE, **shapes, reducers=("token_learner",), controls=(), fusers=(False,))
    points = {name_point(point): point for point in space.points()}
    assert len(points) == len(space.points()) == 4 * (1 + 3) + 4 * (1 + 2 * 3)  # depth 2 has no block 3
    assert "token_learner-2@3+patch2+depth2+dim8" not in points
    point = points["token_learner-2@3+patch2+depth4+dim12"]
    assert (point.patch_size, point.depth, point.dim, point.mlp_dims) == (2, 4, 12, (18,))
    assert describe_point(point) == {
        "patch_size": 2,
        "depth": 4,
        "dim": 12,
        "token_reducer": "token_learner",
        "blocks_before_token_learner": 3,
        "num_tokens": 2,
        "use_token_fuser": False,
    }
    names = name_references(name_point(point))
    assert names == ("no_reducer+patch2+depth4+dim12", "average_pooling-2@3+patch2+depth4+dim12")
    assert [name_point(reference) for reference in find_references(point)] == list(names)
    only_depths = dataclasses.replace(space, patch_sizes=(), dims=())
    assert name_point(only_depths.points()[0]) == "no_reducer+depth2"


def test_the_space_is_data_without_keras() -> None:
    code = "import sys, models.search_space, models.macs; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
