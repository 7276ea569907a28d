"""Adds positions to patches.

Axes: batch, patches (= height x width), dim.
"""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position.

    Input and output shape: [batch, patches, dim].

    Reference:
        Dosovitskiy et al., arXiv 2010.11929, section 3.1.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes one vector a position."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=input_shape[1:],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns inputs + positions, [batch, patches, dim]."""
        return inputs + self.embeddings
