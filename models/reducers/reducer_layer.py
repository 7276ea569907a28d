"""The base class of the token reducers' layers.

Axes: batch, patches, dim, tokens.
"""

from typing import Any

import keras


class ReducerLayer(keras.layers.Layer):
    """A layer that replaces all patches by `num_tokens` tokens.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.
    """

    def __init__(self, num_tokens: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_tokens < 1:
            raise ValueError(f"num_tokens is {num_tokens}; it must be at least 1")
        self.num_tokens = num_tokens

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that there are enough patches in [batch, patches, dim]."""
        patches = input_shape[1]
        if patches is None or self.num_tokens > patches:
            raise ValueError(
                f"num_tokens is {self.num_tokens}; {type(self).__name__} cannot take that many from {patches} patches"
            )
        super().build(input_shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, num_tokens, dim)."""
        return (input_shape[0], self.num_tokens, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "num_tokens": self.num_tokens}


def take_patches(inputs: Any, positions: Any) -> Any:
    """Selects patches of each image.

    Args:
        inputs: Patches, [batch, patches, dim].
        positions: Of the selected ones, integers [batch, tokens].

    Returns:
        The selected patches in the order of their positions, [batch, tokens, dim].
    """
    _, patches, dim = inputs.shape
    # From all patches of all images in a row: a gather for each image by itself takes five times the operations.
    starts = keras.ops.arange(keras.ops.shape(inputs)[0], dtype="int32") * patches
    rows = keras.ops.cast(positions, "int32") + keras.ops.expand_dims(starts, 1)
    return keras.ops.take(keras.ops.reshape(inputs, (-1, dim)), rows, axis=0)
