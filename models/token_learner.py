"""TokenLearner: a few learnt tokens in place of many patches.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras

from models.activations import gelu
from models.mlp import Mlp
from models.patch_grid import find_grid

_LAYER_NORM_EPSILON = 1e-6
_POOLINGS = ("mean", "sum")


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenLearner(keras.layers.Layer):
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
        ValueError: If num_tokens or pooling is out of range, or at build time if the patches do not fill the grid.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297, section 2.1, version 1.
    """

    def __init__(
        self, num_tokens: int, pooling: str = "mean", grid: tuple[int, int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        _check_num_tokens(num_tokens)
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling is {pooling!r}; it must be one of {_POOLINGS}")
        self.num_tokens = num_tokens
        self.pooling = pooling
        self.grid = None if grid is None else (grid[0], grid[1])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        height, width = find_grid(input_shape[1], self.grid, "TokenLearner")
        self.grid_shape = (-1, height, width, input_shape[-1])
        self.layer_norm = _layer_norm(self.dtype_policy)
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

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return (input_shape[0], self.num_tokens, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "num_tokens": self.num_tokens, "pooling": self.pooling, "grid": self.grid}


@keras.saving.register_keras_serializable(package="tokenlearner")
class TokenLearnerV11(keras.layers.Layer):
    """Averages all patches into `num_tokens` tokens, by weights that an MLP gives each patch from itself alone.

    The weights of a token are a softmax over all patches of the outputs of a layer norm and an MLP.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        bottleneck_dim: Hidden units of the MLP.
        dropout_rate: Share of units dropped after each layer of the MLP, 0..1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1.

    Reference:
        Ryoo et al., "TokenLearner", arXiv 2106.11297; google-research/scenic, projects/token_learner, version 1.1.
    """

    def __init__(self, num_tokens: int, bottleneck_dim: int = 64, dropout_rate: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check_num_tokens(num_tokens)
        self.num_tokens = num_tokens
        self.bottleneck_dim = bottleneck_dim
        self.dropout_rate = dropout_rate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        self.layer_norm = _layer_norm(self.dtype_policy)
        self.layer_norm.build(input_shape)
        self.token_masking = Mlp(
            (self.bottleneck_dim,),
            self.num_tokens,
            dropout_rate=self.dropout_rate,
            name="token_masking",
            dtype=self.dtype_policy,
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

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return (input_shape[0], self.num_tokens, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "bottleneck_dim": self.bottleneck_dim,
            "dropout_rate": self.dropout_rate,
        }


def _layer_norm(dtype_policy: Any) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=_LAYER_NORM_EPSILON, name="layer_norm", dtype=dtype_policy)


def _check_num_tokens(num_tokens: int) -> None:
    if num_tokens < 1:
        raise ValueError(f"num_tokens is {num_tokens}; it must be at least 1")
