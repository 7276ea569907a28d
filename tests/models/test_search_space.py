"""Every point of a profile's search space builds the network that its hyperparameters name."""

import itertools

import keras_tuner
import pytest

from models.search_space import TokenLearnerHyperModel
from models.vit_config import ViTConfig
from pipeline.config import PROFILES

_POINTS = [
    (profile, placement, num_tokens)
    for profile, config in PROFILES.items()
    for placement, num_tokens in itertools.product(config.search.placements, config.search.token_counts)
]


@pytest.mark.parametrize(("profile", "placement", "num_tokens"), _POINTS)
def test_every_point_of_a_profile_builds_what_it_names(profile: str, placement: int, num_tokens: int) -> None:
    config = PROFILES[profile]
    compiled: list[object] = []
    hypermodel = TokenLearnerHyperModel(
        config.model.trunk(), config.search.placements, config.search.token_counts, compiled.append
    )
    hp = keras_tuner.HyperParameters()
    hp.values.update(blocks_before_token_learner=placement, num_tokens=num_tokens)

    model = hypermodel.build(hp)

    names = [layer.name for layer in model.layers]
    blocks_before = [name for name in names[: names.index("token_learner")] if name.startswith("block_")]
    blocks_after = [name for name in names[names.index("token_learner") :] if name.startswith("block_")]
    assert (len(blocks_before), len(blocks_after)) == (placement, config.model.depth - placement)
    assert model.get_layer("token_learner").output.shape == (None, num_tokens, config.model.dim)
    assert compiled == [model]


def test_the_space_is_all_placements_with_all_token_counts() -> None:
    trunk = ViTConfig(
        image_size=16, patch_size=4, dim=8, depth=4, num_heads=2, mlp_dim=12, dropout_rate=0.0, num_classes=5
    )
    hypermodel = TokenLearnerHyperModel(trunk, [0, 3], [2, 5, 9], lambda _: None)
    hp = keras_tuner.HyperParameters()
    config = hypermodel.vit_config(hp)
    assert {choice.name: tuple(choice.values) for choice in hp.space} == {
        "blocks_before_token_learner": (0, 3),
        "num_tokens": (2, 5, 9),
    }
    assert (config.blocks_before_token_learner, config.num_tokens) == (0, 2)
