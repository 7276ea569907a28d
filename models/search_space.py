"""Where the TokenLearner may stand and how many tokens it may emit, as KerasTuner sees it."""

import dataclasses
from collections.abc import Callable, Sequence

import keras
import keras_tuner

from models.vit import build_vit
from models.vit_config import ViTConfig


class TokenLearnerHyperModel(keras_tuner.HyperModel):
    """Turns hyperparameters into a compiled Vision Transformer.

    Args:
        trunk: The network that all points of the space share.
        placements: Values of `blocks_before_token_learner`, each in 0..depth-1.
        token_counts: Values of `num_tokens`.
        compile_model: Compiles a built model in place.
    """

    def __init__(
        self,
        trunk: ViTConfig,
        placements: Sequence[int],
        token_counts: Sequence[int],
        compile_model: Callable[[keras.Model], None],
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.placements = tuple(placements)
        self.token_counts = tuple(token_counts)
        self.compile_model = compile_model

    def vit_config(self, hp: keras_tuner.HyperParameters) -> ViTConfig:
        """Returns the network that stands at a point of the space."""
        return dataclasses.replace(
            self.trunk,
            blocks_before_token_learner=hp.Choice("blocks_before_token_learner", list(self.placements)),
            num_tokens=hp.Choice("num_tokens", list(self.token_counts)),
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds and compiles the network that stands at a point of the space."""
        model = build_vit(self.vit_config(hp))
        self.compile_model(model)
        return model
