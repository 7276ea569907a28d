"""A mini Vision Transformer with an optional TokenLearner between two of its blocks.

Axes: batch, height, width, channels, patches, tokens, dim.
"""

from typing import Any

import keras

from models.token_learner import TokenLearner
from models.vit_config import ViTConfig

_LAYER_NORM_EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="tokenlearner")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learnt vector to each position.

    Input and output shape: [batch, positions, dim].

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
        """Returns inputs + positions, [batch, positions, dim]."""
        return inputs + self.embeddings


@keras.saving.register_keras_serializable(package="tokenlearner")
class EncoderBlock(keras.layers.Layer):
    """Pre-norm transformer encoder block: self-attention, then an MLP, each with a residual.

    Input and output shape: [batch, tokens, dim].

    Args:
        num_heads: Attention heads, each dim / num_heads wide.
        mlp_dim: Hidden units of the MLP.
        dropout_rate: Share of units dropped after the attention and after the MLP, 0..1.
        **kwargs: Of `keras.layers.Layer`.

    Reference:
        Dosovitskiy et al., arXiv 2010.11929, equations 2 and 3.
    """

    def __init__(self, num_heads: int, mlp_dim: int, dropout_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.mlp_dim = mlp_dim
        self.dropout_rate = dropout_rate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for input [batch, tokens, dim]."""
        dim = input_shape[-1]
        assert dim is not None
        self.attention_norm = keras.layers.LayerNormalization(epsilon=_LAYER_NORM_EPSILON, name="attention_norm")
        self.attention_norm.build(input_shape)
        self.attention = keras.layers.MultiHeadAttention(self.num_heads, dim // self.num_heads, name="attention")
        self.attention.build(input_shape, input_shape)
        self.mlp_norm = keras.layers.LayerNormalization(epsilon=_LAYER_NORM_EPSILON, name="mlp_norm")
        self.mlp_norm.build(input_shape)
        self.mlp_hidden = keras.layers.Dense(self.mlp_dim, activation="gelu", name="mlp_hidden")
        self.mlp_hidden.build(input_shape)
        self.mlp_output = keras.layers.Dense(dim, name="mlp_output")
        self.mlp_output.build((*input_shape[:-1], self.mlp_dim))
        self.attention_dropout = keras.layers.Dropout(self.dropout_rate, name="attention_dropout")
        self.mlp_dropout = keras.layers.Dropout(self.dropout_rate, name="mlp_dropout")
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the encoded tokens, [batch, tokens, dim]."""
        normed = self.attention_norm(inputs)
        attended = self.attention(normed, normed, training=training)
        x = inputs + self.attention_dropout(attended, training=training)
        hidden = self.mlp_output(self.mlp_hidden(self.mlp_norm(x)))
        return x + self.mlp_dropout(hidden, training=training)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "mlp_dim": self.mlp_dim,
            "dropout_rate": self.dropout_rate,
        }


def build_vit(config: ViTConfig) -> keras.Model:
    """Builds the network that `config` describes.

    Args:
        config: Its shape.

    Returns:
        A model from normalised images, float32 [batch, height, width, 3], to logits, [batch, num_classes].
    """
    images = keras.Input((config.image_size, config.image_size, 3), name="image")
    x = images
    for i, width in enumerate(config.stem_widths):
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", activation="gelu", name=f"stem_{i}")(x)
    x = keras.layers.Reshape((config.num_patches, config.dim), name="patches")(x)  # [batch, patches, dim]
    x = PositionEmbedding(name="position_embedding")(x)
    x = keras.layers.Dropout(config.dropout_rate, name="embedding_dropout")(x)
    for i in range(config.depth):
        if config.num_tokens is not None and i == config.blocks_before_token_learner:
            x = TokenLearner(config.num_tokens, name="token_learner")(x)  # [batch, tokens, dim]
        x = EncoderBlock(config.num_heads, config.mlp_dim, config.dropout_rate, name=f"block_{i}")(x)
    x = keras.layers.LayerNormalization(epsilon=_LAYER_NORM_EPSILON, name="norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)  # [batch, dim]
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="vit")
