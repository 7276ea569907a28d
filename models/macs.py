"""Exact multiply-accumulates of one image through a ViTConfig, attention included, in closed form.

Counted are the products of matrix multiplications, einsums and convolutions (padding counted as computed); biases,
norms and activations are not.
"""

import dataclasses

from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Macs:
    """Multiply-accumulates an image, by part of the network."""

    stem: int
    blocks_before: int  # on all patches
    token_learner: int
    blocks_after: int  # on the learnt tokens
    head: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return sum(dataclasses.astuple(self))


def count_macs(config: ViTConfig) -> Macs:
    """Counts the multiply-accumulates of one image.

    Args:
        config: The network.

    Returns:
        The count of each part.
    """
    depth_before = config.depth if config.blocks_before_token_learner is None else config.blocks_before_token_learner
    return Macs(
        stem=_stem_macs(config),
        blocks_before=depth_before * _block_macs(config, config.num_patches),
        token_learner=_token_learner_macs(config),
        blocks_after=(config.depth - depth_before) * _block_macs(config, config.num_tokens or 0),
        head=config.dim * config.num_classes,
    )


def _stem_macs(config: ViTConfig) -> int:
    macs, size, channels = 0, config.image_size, 3
    for width in config.stem_widths:
        size //= 2
        macs += size**2 * 9 * channels * width
        channels = width
    return macs


def _block_macs(config: ViTConfig, tokens: int) -> int:
    projections = 4 * tokens * config.dim**2  # query, key, value, output
    attention = 2 * tokens**2 * config.dim  # scores and weighted sum
    mlp = 2 * tokens * config.dim * config.mlp_dim
    return projections + attention + mlp


def _token_learner_macs(config: ViTConfig) -> int:
    if config.num_tokens is None:
        return 0
    convolutions = config.num_patches * 9 * (config.dim * config.num_tokens + 3 * config.num_tokens**2)
    pooling = config.num_patches * config.num_tokens * config.dim
    return convolutions + pooling
