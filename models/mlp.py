"""The MLP that encoder blocks, TokenLearner 1.1 and the TokenFuser share.

Axes: batch, tokens, dim.
"""

from collections.abc import Sequence
from typing import Any

import keras

from models.activations import gelu

_ACTIVATIONS = {"linear": None, "gelu": gelu}


@keras.saving.register_keras_serializable(package="tokenlearner")
class Mlp(keras.layers.Layer):
    """Dense layers on each token by itself: hidden ones with GELU, then the output; dropout follows each of them.

    Input shape: [batch, tokens, dim].
    Output shape: [batch, tokens, output_dim].

    Args:
        hidden_dims: Units of the hidden layers.
        output_dim: Units of the output layer.
        output_activation: Of the output layer, "linear" or "gelu".
        dropout_rate: Share of units dropped after each layer, 0..1.
        **kwargs: Of `keras.layers.Layer`.

    Reference:
        Dosovitskiy et al., arXiv 2010.11929, section 3.1.
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        output_dim: int,
        output_activation: str = "linear",
        dropout_rate: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_dims = tuple(hidden_dims)
        self.output_dim = output_dim
        self.output_activation = output_activation
        self.dropout_rate = dropout_rate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, tokens, dim]."""
        width, policy = input_shape[-1], self.dtype_policy
        self.dense, self.dropout = [], []
        hidden = [(units, "gelu") for units in self.hidden_dims]
        for i, (units, activation) in enumerate([*hidden, (self.output_dim, self.output_activation)]):
            name = "output" if i == len(self.hidden_dims) else f"hidden_{i}"
            dense = keras.layers.Dense(units, activation=_ACTIVATIONS[activation], name=name, dtype=policy)
            dense.build((None, width))
            self.dense.append(dense)
            self.dropout.append(keras.layers.Dropout(self.dropout_rate, name=f"{name}_dropout", dtype=policy))
            width = units
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the outputs, [batch, tokens, output_dim]."""
        _, tokens, dim = inputs.shape
        # All tokens in one matrix: a batched product would compute one weight gradient an image and add them up.
        x = keras.ops.reshape(inputs, (-1, dim))  # [batch x tokens, dim]
        for dense, dropout in zip(self.dense, self.dropout, strict=True):
            x = dropout(dense(x), training=training)
        return keras.ops.reshape(x, (-1, tokens, self.output_dim))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        names = ("hidden_dims", "output_dim", "output_activation", "dropout_rate")
        return super().get_config() | {name: getattr(self, name) for name in names}
