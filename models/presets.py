"""Networks with a name: those of the Keras example, and our own backbones; both profiles take "residual_stem"."""

import dataclasses

from models.vit_config import ViTConfig

_KERAS_EXAMPLE = ViTConfig(
    image_size=48,
    patch_size=6,
    dim=128,
    depth=4,
    num_heads=4,
    head_dim=128,  # each head is as wide as the model
    mlp_dims=(256,),
    mlp_output_activation="gelu",
    dropout_rate=0.1,
    stem="linear",
    num_classes=10,
)

_KERAS_EXAMPLE_8_TOKENS = dataclasses.replace(
    _KERAS_EXAMPLE, token_reducer="token_learner", blocks_before_token_learner=3, num_tokens=8
)

_MINI = ViTConfig(image_size=32, patch_size=4, dim=64, depth=4, num_heads=2, mlp_dims=(128,), num_classes=10)

# The Keras example is keras-team/keras-io, examples/vision/token_learner.py; its suffixes are the rows of its table.
PRESETS: dict[str, ViTConfig] = {
    "keras_example": _KERAS_EXAMPLE,
    "keras_example_8_tokens": _KERAS_EXAMPLE_8_TOKENS,
    "keras_example_4_tokens": dataclasses.replace(_KERAS_EXAMPLE_8_TOKENS, num_tokens=4),
    "keras_example_8_blocks": dataclasses.replace(_KERAS_EXAMPLE, depth=8),
    "convolution_stem": _MINI,
    "residual_stem": dataclasses.replace(_MINI, stem="residual"),
}
