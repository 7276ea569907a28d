"""Attention pooling: the multi-head cross-attention of learned queries to the patches.

Axes: batch, heads, patches, tokens, dim, head_dim.
"""

from typing import Any

import keras

from models.normalization import FastLayerNormalization
from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class AttentionPooling(ReducerLayer):
    """Attends to all patches with `num_tokens` learned queries, as a Perceiver's first cross-attention does.

    Keys and values are projections of the patches after a layer norm. Queries are learned as such, for each head: a
    projection of learned vectors would only be other learned vectors. The MLP that follows in a Perceiver is that of
    the next encoder block. Biases of keys and values are left out, as the softmax and the output's bias replace them.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        num_heads: Attention heads.
        head_dim: Channels of a head.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.

    Reference:
        Jaegle et al., "Perceiver", arXiv 2103.03206; Alayrac et al., "Flamingo", arXiv 2204.14198 (the resampler).
    """

    def __init__(self, num_tokens: int, num_heads: int = 1, head_dim: int = 32, **kwargs: Any) -> None:
        super().__init__(num_tokens, **kwargs)
        self.num_heads = num_heads
        self.head_dim = head_dim

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        dim, policy = input_shape[-1], self.dtype_policy
        width = self.num_heads * self.head_dim
        self.layer_norm = FastLayerNormalization(name="layer_norm", dtype=policy)
        self.layer_norm.build(input_shape)
        self.queries = self.add_weight(
            name="queries",
            shape=(self.num_heads, self.num_tokens, self.head_dim),
            initializer=keras.initializers.RandomNormal(stddev=1),
        )
        self.key_value = keras.layers.Dense(2 * width, use_bias=False, name="key_value", dtype=policy)
        self.key_value.build((None, dim))
        self.projection = keras.layers.Dense(dim, name="projection", dtype=policy)
        self.projection.build((None, width))
        super().build(input_shape)

    def attention_weights(self, inputs: Any) -> Any:
        """Weighs every patch for every token.

        Args:
            inputs: Patches, [batch, patches, dim].

        Returns:
            Weights that sum to 1 over the patches, the mean of all heads, [batch, patches, tokens].
        """
        return keras.ops.transpose(keras.ops.mean(self._attend(inputs)[0], axis=1), (0, 2, 1))

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        weights, values = self._attend(inputs)
        attended = keras.ops.transpose(keras.ops.matmul(weights, values), (0, 2, 1, 3))
        attended = keras.ops.reshape(attended, (-1, self.num_heads * self.head_dim))  # [batch x tokens, width]
        return keras.ops.reshape(self.projection(attended), (-1, self.num_tokens, inputs.shape[-1]))

    def _attend(self, inputs: Any) -> tuple[Any, Any]:
        """Returns weights, [batch, heads, tokens, patches], and values, [batch, heads, patches, head_dim]."""
        _, patches, dim = inputs.shape
        projected = self.key_value(keras.ops.reshape(self.layer_norm(inputs), (-1, dim)))
        projected = keras.ops.reshape(projected, (-1, patches, 2, self.num_heads, self.head_dim))
        keys, values = keras.ops.unstack(keras.ops.transpose(projected, (2, 0, 3, 1, 4)), 2)
        scores = keras.ops.einsum("htw,bhpw->bhtp", self.queries * self.head_dim**-0.5, keys)
        return keras.ops.softmax(scores), values

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "num_heads": self.num_heads, "head_dim": self.head_dim}
