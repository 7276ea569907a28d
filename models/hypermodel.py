"""The search space as KerasTuner sees it: hyperparameters in, a network out."""

import dataclasses

import keras
import keras_tuner

from models.search_space import NO_REDUCER, SearchSpace
from models.vit import build_vit
from models.vit_config import ViTConfig


class TokenLearnerHyperModel(keras_tuner.HyperModel):
    """Turns hyperparameters into a Vision Transformer.

    Args:
        space: The values of the hyperparameters.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self.space = space

    def vit_config(self, hp: keras_tuner.HyperParameters) -> ViTConfig:
        """Returns the network at a point of the space."""
        axes = self.space.shape_axes
        backbone = self.space.reshape(**{field: int(hp.Choice(field, list(values))) for field, values in axes.items()})
        reducers = list(self.space.token_reducers)
        reducer = hp.Choice("token_reducer", [NO_REDUCER, *reducers])
        with hp.conditional_scope("token_reducer", reducers):
            values = {
                "blocks_before_token_learner": hp.Choice("blocks_before_token_learner", list(self.space.placements)),
                "num_tokens": hp.Choice("num_tokens", list(self.space.token_counts)),
                "use_token_fuser": bool(hp.Choice("use_token_fuser", list(self.space.fusers))),
            }
        if reducer == NO_REDUCER:
            return backbone
        return dataclasses.replace(backbone, token_reducer=reducer, **values)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds the network at a point of the space."""
        return build_vit(self.vit_config(hp))
