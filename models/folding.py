"""Folds batch norms into the convolutions before them, for inference."""

import keras

from models.normalization import FusedBatchNormalization
from models.vit import build_vit
from models.vit_config import ViTConfig


def fold_batch_norm(config: ViTConfig, model: keras.Model) -> keras.Model:
    """Makes a network without batch norms that infers what a trained one does, up to rounding.

    oneDNN runs a convolution of one image that a batch norm follows three times as long as one with a bias.

    Args:
        config: Of the network.
        model: From `build_vit(config)`, trained.

    Returns:
        A network with weights of its own, for inference alone.
    """
    folded = build_vit(config, folded=True)
    weights = {weight.path: keras.ops.convert_to_tensor(weight) for weight in model.weights}
    for layer in model.layers:
        if isinstance(layer, FusedBatchNormalization):
            convolution = layer.name.removesuffix("_norm")
            scale = layer.gamma * keras.ops.rsqrt(layer.moving_variance + layer.epsilon)  # [channels]
            weights[f"{convolution}/kernel"] = weights[f"{convolution}/kernel"] * scale
            weights[f"{convolution}/bias"] = layer.beta - layer.moving_mean * scale
    for weight in folded.weights:
        if "seed_generator" not in weight.path:
            weight.assign(weights[weight.path])
    return folded
