"""TokenLearner, version 1: a few learned tokens in place of many patches.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.activations import gelu
from models.normalization import FastLayerNormalization
from models.patch_grid import find_grid
from models.reducers.reducer_layer import ReducerLayer

_POOLINGS = ("mean", "sum")


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenLearner(ReducerLayer):
    """Pools all patches into `num_tokens` tokens by spatial attention maps that it learns.

    Each map weighs every patch between 0 and 1; a token is the mean, or the sum, over all patches of patch x weight.
    The maps come from a layer norm, three 3x3 convolutions with GELU and one with sigmoid, all without bias.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        pooling: "mean", as in the Keras example, or "sum", as in the official code.
        grid: Height and width, patches; None: they form a square.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens or pooling is out of range, or at build time if the patches do not fill the grid
            or are fewer than num_tokens.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297, section 2.1, version 1.
    """

    def __init__(
        self, num_tokens: int, pooling: str = "mean", grid: tuple[int, int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(num_tokens, **kwargs)
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling is {pooling!r}; it must be one of {_POOLINGS}")
        self.pooling = pooling
        self.grid = None if grid is None else (grid[0], grid[1])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        height, width = find_grid(input_shape[1], self.grid, "TokenLearner")
        self.grid_shape = (-1, height, width, input_shape[-1])
        self.layer_norm = FastLayerNormalization(name="layer_norm", dtype=self.dtype_policy)
        self.layer_norm.build(input_shape)
        self.attention = []
        channels = input_shape[-1]
        for i, activation in enumerate((gelu, gelu, gelu, "sigmoid")):
            convolution = keras.layers.Conv2D(
                self.num_tokens,
                3,
                padding="same",
                use_bias=False,
                activation=activation,
                name=f"attention_{i}",
                dtype=self.dtype_policy,
            )
            convolution.build((None, height, width, channels))
            self.attention.append(convolution)
            channels = self.num_tokens
        super().build(input_shape)

    def attention_weights(self, inputs: Any) -> Any:
        """Weighs every patch for every token.

        Args:
            inputs: Patches, [batch, patches, dim].

        Returns:
            Weights in 0..1, [batch, patches, tokens].
        """
        maps = keras.ops.reshape(self.layer_norm(inputs), self.grid_shape)  # [batch, height, width, dim]
        for convolution in self.attention:
            maps = convolution(maps)
        return keras.ops.reshape(maps, (-1, inputs.shape[1], self.num_tokens))

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        tokens = keras.ops.einsum("bpt,bpd->btd", self.attention_weights(inputs), inputs)
        return tokens / inputs.shape[1] if self.pooling == "mean" else tokens

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "pooling": self.pooling, "grid": self.grid}
