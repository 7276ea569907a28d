"""Puts the patches of a grid in a row.

Axes: batch, height, width, patches (= height x width), dim.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
class PatchRow(keras.layers.Layer):
    """Puts patches in a row, row by row of their grid.

    Unlike `keras.layers.Reshape` it does not ask how many images a batch holds. While it waits for that answer,
    TensorFlow Lite knows the shape of nothing behind it, and leaves its fast kernels (XNNPACK) unused.

    Input shape: [batch, height, width, dim].
    Output shape: [batch, patches, dim].
    """

    def call(self, inputs: Any) -> Any:
        """Returns the patches in a row, [batch, patches, dim]."""
        _, height, width, dim = inputs.shape
        return keras.ops.reshape(inputs, (-1, height * width, dim))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (batch, patches, dim)."""
        batch, height, width, dim = input_shape
        assert height is not None
        assert width is not None
        return (batch, height * width, dim)
