"""Random selection: patches at positions that do not depend on the image.

Axes: batch, patches (= height x width), dim, tokens.
"""

from typing import Any

import keras
import numpy as np

from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class RandomTokens(ReducerLayer):
    """Emits the patches at positions drawn once from a seed, the same for all images, in their order on the grid.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        seed: Of the draw, 0..2**32-1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.
    """

    def __init__(self, num_tokens: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(num_tokens, **kwargs)
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Draws the positions."""
        super().build(input_shape)
        patches = input_shape[1]
        assert patches is not None
        # RandomState, because numpy froze its streams: a saved model draws the same positions in any later version.
        drawn = np.random.RandomState(self.seed).permutation(patches)[: self.num_tokens]
        self.positions = np.sort(drawn).astype(np.int32)

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        return keras.ops.take(inputs, self.positions, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "seed": self.seed}
