"""A mini Vision Transformer with an optional token reducer between two of its blocks.

Axes: batch, height, width, channels, patches, tokens, dim.
"""

from typing import Any

import keras

from models.encoder import EncoderBlock
from models.normalization import FastLayerNormalization
from models.patch_row import PatchRow
from models.positions import PositionEmbedding
from models.stem import apply_stem
from models.token_fuser import TokenFuser
from models.vit_config import ViTConfig


def build_vit(config: ViTConfig, *, folded: bool = False) -> keras.Model:
    """Builds the network that `config` describes.

    Blocks are named "block_0", "block_1", …; the token reducer "token_learner". With the TokenFuser there is one
    "token_learner_{i}" and one "token_fuser_{i}" for each block that works on tokens.

    Args:
        config: Its shape.
        folded: Whether batch norms are part of the convolutions before them, as in `fold_batch_norm`.

    Returns:
        A model from normalized images, float32 [batch, height, width, 3], to logits, float32 [batch, num_classes].
    """
    images = keras.Input((config.image_size, config.image_size, 3), name="image")
    x = PatchRow(name="patches")(apply_stem(config, images, folded=folded))
    x = PositionEmbedding(name="position_embedding")(x)  # [batch, patches, dim]
    x = keras.layers.Dropout(config.dropout_rate, name="embedding_dropout")(x)
    takes_attention = config.reducer is not None and config.reducer.takes_attention
    for i in range(config.depth):
        if config.use_token_fuser and i >= (config.blocks_before_token_learner or 0):
            x = _fused_block(config, i, x)
            continue
        if config.token_reducer is not None and i == config.blocks_before_token_learner:
            x = _token_reducer(config, "token_learner")(x)  # [batch, tokens, dim]
        is_last_on_patches = i + 1 == config.blocks_before_token_learner
        x = _block(config, i, return_attention=is_last_on_patches and takes_attention)(x)
    x = FastLayerNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)  # [batch, dim]
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="vit")


def _block(config: ViTConfig, i: int, *, return_attention: bool = False) -> keras.layers.Layer:
    return EncoderBlock(
        config.num_heads,
        config.head_width,
        config.mlp_dims,
        config.mlp_output_activation,
        config.dropout_rate,
        return_attention,
        name=f"block_{i}",
    )


def _fused_block(config: ViTConfig, i: int, patches: Any) -> Any:
    """Adds to each patch the output of a TokenFuser, whose tokens have a reducer and a block of their own."""
    tokens = _block(config, i)(_token_reducer(config, f"token_learner_{i}")(patches))  # [batch, tokens, dim]
    fuser = TokenFuser(config.token_bottleneck_dim, config.dropout_rate, name=f"token_fuser_{i}")
    return keras.layers.Add(name=f"token_fuser_residual_{i}")([patches, fuser(tokens, patches)])


def _token_reducer(config: ViTConfig, name: str) -> keras.layers.Layer:
    assert config.reducer
    return config.reducer.load_layer()(config.num_tokens, **config.reducer.arguments(config), name=name)
