"""EViT: the patches that receive the most attention, and one token of all the others.

Axes: batch, heads, queries (= patches), patches, dim, tokens.
"""

from typing import Any

import keras

from models.reducers.reducer_layer import ReducerLayer, take_patches


@keras.saving.register_keras_serializable(package="tokenlearner")
class EViTTokens(ReducerLayer):
    """Keeps the `num_tokens` - 1 patches that received the most attention and fuses the others into the last token.

    The attention that a patch received is the mean over heads and queries of its attention weights in the block before;
    in the paper it is the attention of a class token, which our networks do not have. The last token is the mean of the
    other patches weighted by it, where the paper has their sum.

    Input shape: a list of patches [batch, patches, dim] and attention weights [batch, heads, queries, patches].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.

    Reference:
        Liang et al., "Not All Patches are What You Need", arXiv 2202.07800.
    """

    def build(self, input_shape: Any) -> None:
        """Checks that there are enough patches."""
        super().build(input_shape[0])

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, the most attended first, [batch, tokens, dim]."""
        patches, weights = inputs
        received = keras.ops.mean(keras.ops.cast(weights, "float32"), axis=(1, 2))  # [batch, patches]
        received, positions = keras.ops.top_k(received, patches.shape[1])
        ordered, kept = take_patches(patches, positions), self.num_tokens - 1
        shares = received[:, kept:] / keras.ops.sum(received[:, kept:], axis=1, keepdims=True)
        fused = keras.ops.einsum("bp,bpd->bd", keras.ops.cast(shares, patches.dtype), ordered[:, kept:])
        fused = keras.ops.expand_dims(fused, 1)  # [batch, 1, dim]
        return keras.ops.concatenate([ordered[:, :kept], fused], axis=1) if kept else fused

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return super().compute_output_shape(input_shape[0])
