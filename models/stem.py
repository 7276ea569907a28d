"""The stems of a Vision Transformer: from an image to patches on their grid.

Axes: batch, height, width, channels, dim.
"""

from typing import Any

import keras

from models.activations import gelu
from models.normalization import FusedBatchNormalization
from models.vit_config import ViTConfig


def apply_stem(config: ViTConfig, images: Any, *, folded: bool = False) -> Any:
    """Adds the stem that a config names.

    Args:
        config: Of the network.
        images: [batch, height, width, 3].
        folded: Whether its batch norms are part of the convolutions before them, as in `fold_batch_norm`.

    Returns:
        Patches on their grid, [batch, height, width, dim].

    Reference:
        Dosovitskiy et al., arXiv 2010.11929, section 3.1 ("linear"); Xiao et al., arXiv 2106.14881 ("convolution"); He
        et al., arXiv 1512.03385, section 3 ("residual").
    """
    if config.stem == "linear":
        return keras.layers.Conv2D(config.dim, config.patch_size, strides=config.patch_size, name="stem")(images)
    x = images
    for i, layer in enumerate(config.stem_convolutions):
        if config.stem == "convolution":
            x = keras.layers.Conv2D(
                layer.width, 3, strides=layer.stride, padding="same", activation=gelu, name=f"stem_{i}"
            )(x)
        else:
            convolve = _convolve if folded else _convolve_and_norm
            convolved = convolve(x, layer.width, layer.stride, name=f"stem_{i}")
            x = convolved if layer.stride > 1 else keras.layers.Add(name=f"stem_{i}_residual")([x, convolved])
    return x


def _convolve_and_norm(x: Any, width: int, stride: int, name: str) -> Any:
    convolved = keras.layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False, name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(FusedBatchNormalization(name=f"{name}_norm")(convolved))


def _convolve(x: Any, width: int, stride: int, name: str) -> Any:
    return keras.layers.Conv2D(width, 3, strides=stride, padding="same", activation="relu", name=name)(x)
