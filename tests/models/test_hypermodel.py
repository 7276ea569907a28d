"""The hyperparameters describe the points of the space, all of them and no others."""

import itertools

import keras_tuner
import pytest

from models.hypermodel import TokenLearnerHyperModel
from models.reducers.registry import CONTROLS
from models.search_space import SearchSpace, describe_point, name_point
from models.vit_config import ViTConfig
from pipeline.config import PROFILES

_BACKBONE = ViTConfig(image_size=16, patch_size=4, dim=8, depth=4, num_heads=2, mlp_dims=(12,), num_classes=5)
_SPACES = {
    **{profile: config.trainer(code_digest="").space() for profile, config in PROFILES.items()},
    "with fusers": SearchSpace(
        backbone=_BACKBONE,
        placements=(0, 3),
        token_counts=(1, 2, 4),
        reducers=("token_learner_v11", "token_learner"),
        controls=CONTROLS,
        fusers=(True, False),
    ),
    "with shapes": SearchSpace(
        backbone=_BACKBONE,
        placements=(0, 3),
        token_counts=(1, 4),
        reducers=("token_learner_v11",),
        controls=(),
        fusers=(False,),
        patch_sizes=(4, 2),
        depths=(6, 4),
        dims=(8, 16),
    ),
}


@pytest.mark.parametrize("space", _SPACES.values(), ids=_SPACES)
def test_the_hyperparameters_cover_the_space_and_nothing_beyond(space: SearchSpace) -> None:
    hypermodel = TokenLearnerHyperModel(space)
    for point in space.points():
        hp = keras_tuner.HyperParameters()
        hp.values.update(describe_point(point))
        assert hypermodel.vit_config(hp) == point, name_point(point)
        assert hp.values == describe_point(point)
    hp = keras_tuner.HyperParameters()
    assert hypermodel.vit_config(hp) == space.points()[0]
    assert [choice.name for choice in hp.space if hp.is_active(choice)] == [*space.shape_axes, "token_reducer"]
    axes = {choice.name: list(choice.values) for choice in hp.space}
    reached = set()
    for values in itertools.product(*axes.values()):
        drawn = hp.copy()
        drawn.values = dict(zip(axes, values, strict=True))
        reached.add(hypermodel.vit_config(drawn))
    assert reached == set(space.points())
