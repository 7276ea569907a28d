"""TokenLearner: a few learnt tokens in place of many patches.

Axes: batch, patches (= height x width), dim, tokens.
"""

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenLearner(keras.layers.Layer):
    """Pools all patches into `num_tokens` tokens by spatial attention maps that it learns.

    Each map weighs every patch between 0 and 1; a token is the mean over all patches of patch x weight. The maps come
    from a layer norm, three 3x3 convolutions with GELU and one with sigmoid, all without bias.

    Input shape: [batch, patches, dim], patches a square number.
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time if the number of patches is not a square.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297, section 2.1, version 1.
    """

    def __init__(self, num_tokens: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_tokens < 1:
            raise ValueError(f"num_tokens is {num_tokens}; it must be at least 1")
        self.num_tokens = num_tokens

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        patches = input_shape[1]
        if patches is None or math.isqrt(patches) ** 2 != patches:
            raise ValueError(f"TokenLearner got {patches} patches; its 3x3 convolutions need a square grid of them")
        self.grid_size = math.isqrt(patches)
        self.layer_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="layer_norm")
        self.layer_norm.build(input_shape)
        self.attention = [
            keras.layers.Conv2D(
                self.num_tokens, 3, padding="same", use_bias=False, activation=activation, name=f"attention_{i}"
            )
            for i, activation in enumerate(("gelu", "gelu", "gelu", "sigmoid"))
        ]
        grid_shape: tuple[int | None, ...] = (input_shape[0], self.grid_size, self.grid_size, input_shape[2])
        for convolution in self.attention:
            convolution.build(grid_shape)
            grid_shape = (*grid_shape[:3], self.num_tokens)
        super().build(input_shape)

    def attention_maps(self, inputs: Any) -> Any:
        """Weighs every patch for every token.

        Args:
            inputs: Patches, [batch, patches, dim].

        Returns:
            Weights in 0..1, [batch, height, width, tokens].
        """
        maps = keras.ops.reshape(self.layer_norm(inputs), (-1, self.grid_size, self.grid_size, inputs.shape[-1]))
        for convolution in self.attention:
            maps = convolution(maps)
        return maps

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        patches = inputs.shape[1]
        weights = keras.ops.reshape(self.attention_maps(inputs), (-1, patches, self.num_tokens))
        return keras.ops.einsum("bpt,bpd->btd", weights, inputs) / patches

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return (input_shape[0], self.num_tokens, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "num_tokens": self.num_tokens}
