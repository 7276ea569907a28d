"""PatchMerger: the attention of learned queries to the patches.

Axes: batch, patches, dim, tokens.
"""

from typing import Any

import keras

from models.normalization import FastLayerNormalization
from models.reducers.reducer_layer import ReducerLayer


@keras.saving.register_keras_serializable(package="tokenlearner")
class PatchMerger(ReducerLayer):
    """Averages all patches into `num_tokens` tokens, by the softmax of their products with learned queries.

    Both the products and the averages are of the patches after a layer norm. Products are divided by the square root
    of dim.

    Input shape: [batch, patches, dim].
    Output shape: [batch, num_tokens, dim].

    Args:
        num_tokens: Tokens to emit, at least 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If num_tokens is below 1, or at build time above the number of patches.

    Reference:
        Renggli et al., "Learning to Merge Tokens in Vision Transformers", arXiv 2202.12015.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, patches, dim]."""
        self.layer_norm = FastLayerNormalization(name="layer_norm", dtype=self.dtype_policy)
        self.layer_norm.build(input_shape)
        self.queries = self.add_weight(
            name="queries",
            shape=(self.num_tokens, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1),
        )
        super().build(input_shape)

    def attention_weights(self, inputs: Any) -> Any:
        """Weighs every patch for every token.

        Args:
            inputs: Patches, [batch, patches, dim].

        Returns:
            Weights that sum to 1 over the patches, [batch, patches, tokens].
        """
        return self._weigh(self.layer_norm(inputs))

    def call(self, inputs: Any) -> Any:
        """Returns the tokens, [batch, tokens, dim]."""
        normed = self.layer_norm(inputs)
        return keras.ops.einsum("bpt,bpd->btd", self._weigh(normed), normed)

    def _weigh(self, normed: Any) -> Any:
        scores = keras.ops.einsum("bpd,td->bpt", normed, self.queries * normed.shape[-1] ** -0.5)
        return keras.ops.softmax(scores, axis=1)
