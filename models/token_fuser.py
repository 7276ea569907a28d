"""TokenFuser: distributes a few tokens over all patches.

Axes: batch, tokens, patches, dim.
"""

from typing import Any

import keras

from models.mlp import Mlp
from models.normalization import FastLayerNormalization


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenFuser(keras.layers.Layer):
    """Mixes the tokens, and gives each patch a share of each of them, which an MLP computes from the patch.

    Tokens are mixed by a dense layer over the token axis, between two layer norms; shares are a sigmoid of an MLP on
    the normed patches. The dense layer starts at zero: an untrained fuser returns zeros, and the layers that make the
    tokens get gradients only after its first update.

    Input shapes: tokens [batch, tokens, dim], patches [batch, patches, dim].
    Output shape: [batch, patches, dim].

    Args:
        bottleneck_dim: Hidden units of the MLP.
        dropout_rate: Share of units dropped after each layer of the MLP and from the output, 0..1.
        **kwargs: Of `keras.layers.Layer`.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297, section 2.2; google-research/scenic, projects/token_learner.
    """

    def __init__(self, bottleneck_dim: int = 64, dropout_rate: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bottleneck_dim = bottleneck_dim
        self.dropout_rate = dropout_rate

    def build(self, tokens_shape: tuple[int | None, ...], patches_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for tokens [batch, tokens, dim] and patches [batch, patches, dim]."""
        tokens = tokens_shape[1]
        assert tokens is not None
        policy = self.dtype_policy
        self.input_norm, self.mixed_norm, self.patch_norm = (
            FastLayerNormalization(name=name, dtype=policy) for name in ("input_norm", "mixed_norm", "patch_norm")
        )
        # Without the official code's bias: that is one number a token, which the norm after it removes.
        self.mixing_kernel = self.add_weight(name="mixing_kernel", shape=(tokens, tokens), initializer="zeros")
        self.token_masking = Mlp(
            (self.bottleneck_dim,), tokens, dropout_rate=self.dropout_rate, name="token_masking", dtype=policy
        )
        self.dropout = keras.layers.Dropout(self.dropout_rate, name="dropout", dtype=self.dtype_policy)
        for layer, shape in (
            (self.input_norm, tokens_shape),
            (self.mixed_norm, tokens_shape),
            (self.patch_norm, patches_shape),
            (self.token_masking, patches_shape),
        ):
            layer.build(shape)
        super().build(tokens_shape)

    def call(self, tokens: Any, patches: Any, training: bool | None = None) -> Any:
        """Returns the sum of the tokens for each patch, [batch, patches, dim]."""
        mixed = keras.ops.einsum("btd,ts->bsd", self.input_norm(tokens), self.mixing_kernel)
        shares = keras.ops.sigmoid(self.token_masking(self.patch_norm(patches), training=training))
        fused = keras.ops.matmul(shares, self.mixed_norm(mixed))  # [batch, patches, dim]
        return self.dropout(fused, training=training)

    def compute_output_shape(
        self, tokens_shape: tuple[int | None, ...], patches_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns (batch, patches, dim)."""
        return (tokens_shape[0], *patches_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "bottleneck_dim": self.bottleneck_dim, "dropout_rate": self.dropout_rate}
