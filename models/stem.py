"""The stems of a Vision Transformer: from an image to patches on their grid.

Axes: batch, height, width, channels, dim.
"""

from typing import Any

import keras

from models.activations import gelu
from models.normalization import FusedBatchNormalization
from models.vit_config import StemConvolution, ViTConfig


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
            x = _convolve(x, layer, f"stem_{i}", gelu)
        else:
            convolved = (
                _convolve(x, layer, f"stem_{i}", "relu") if folded else _convolve_and_norm(x, layer, f"stem_{i}")
            )
            x = convolved if layer.stride > 1 else keras.layers.Add(name=f"stem_{i}_residual")([x, convolved])
    return x


def _convolve_and_norm(x: Any, layer: StemConvolution, name: str) -> Any:
    convolved = _convolve(x, layer, name, activation=None, use_bias=False)
    return keras.layers.ReLU(name=f"{name}_relu")(FusedBatchNormalization(name=f"{name}_norm")(convolved))


def _convolve(x: Any, layer: StemConvolution, name: str, activation: Any, *, use_bias: bool = True) -> Any:
    return keras.layers.Conv2D(
        layer.width,
        layer.kernel_size,
        strides=layer.stride,
        padding="same",
        activation=activation,
        use_bias=use_bias,
        name=name,
    )(x)
