"""TokenLearner, version 1.1: an MLP scores each patch, a softmax over the patches makes the tokens.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.mlp import Mlp
from models.normalization import FastLayerNormalization
from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenLearnerV11(ReducerLayer):
    """Averages all patches into `num_tokens` tokens, by weights that an MLP computes from each patch alone.

    The weights of a token are a softmax over all patches of the outputs of a layer norm and an MLP.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        bottleneck_dim: Hidden units of the MLP.
        dropout_rate: Share of units dropped after each layer of the MLP, 0..1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297; google-research/scenic, projects/token_learner, version 1.1.
    """

    def __init__(self, num_tokens: int, bottleneck_dim: int = 64, dropout_rate: float = 0.0, **kwargs: Any) -> None:
        super().__init__(num_tokens, **kwargs)
        self.bottleneck_dim = bottleneck_dim
        self.dropout_rate = dropout_rate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        self.layer_norm = FastLayerNormalization(name="layer_norm", dtype=self.dtype_policy)
        self.layer_norm.build(input_shape)
        rate, policy = self.dropout_rate, self.dtype_policy
        self.token_masking = Mlp(
            (self.bottleneck_dim,), self.num_tokens, dropout_rate=rate, name="token_masking", dtype=policy
        )
        self.token_masking.build(input_shape)
        super().build(input_shape)

    def attention_weights(self, inputs: Any, training: bool | None = None) -> Any:
        """Weighs every patch for every token.

        Args:
            inputs: Patches, [batch, patches, dim].
            training: Whether dropout acts.

        Returns:
            Weights that sum to 1 over the patches, [batch, patches, tokens].
        """
        return keras.ops.softmax(self.token_masking(self.layer_norm(inputs), training=training), axis=1)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        return keras.ops.einsum("bpt,bpd->btd", self.attention_weights(inputs, training), inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "bottleneck_dim": self.bottleneck_dim, "dropout_rate": self.dropout_rate}
