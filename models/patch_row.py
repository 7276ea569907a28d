"""Puts the patches of a grid in a row.

Axes: batch, height, width, patches (= height x width), dim.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
class PatchRow(keras.layers.Layer):
    """Puts patches in a row, row by row of their grid.

    Unlike `keras.layers.Reshape` it does not read the batch size at run time, after which TensorFlow Lite would know no
    static shape and would not use its fast kernels (XNNPACK).

    Input shape: [batch, height, width, dim].
    Output shape: [batch, patches, dim].
    """

    def call(self, inputs: Any) -> Any:
        """Returns the patches in a row, [batch, patches, dim]."""
        _, height, width, dim = inputs.shape
        return keras.ops.reshape(inputs, (-1, height * width, dim))
