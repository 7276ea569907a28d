"""Exact multiply-accumulates of one image through a ViTConfig, attention included, in closed form.

Counted are the products of matrix multiplications, einsums and convolutions (padding counted as computed); biases,
norms, activations and plain means are not.
"""

import dataclasses
from itertools import pairwise

from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Macs:
    """Multiply-accumulates an image, by part of the network."""

    stem: int
    blocks_before: int  # on all patches
    token_reducer: int  # of all of them, TokenFusers included
    blocks_after: int  # on the tokens that are left
    head: int  # pooling with learned weights, and logits

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
    placement = config.blocks_before_token_learner
    depth_before = config.depth if placement is None else placement
    depth_after = config.depth - depth_before
    reducers = depth_after if config.use_token_fuser else 1
    return Macs(
        stem=_stem_macs(config),
        blocks_before=depth_before * _block_macs(config, config.num_patches),
        token_reducer=reducers * _token_reducer_macs(config) + config.use_token_fuser * reducers * _fuser_macs(config),
        blocks_after=depth_after * _block_macs(config, config.num_tokens or 0),
        head=_pooling_macs(config) + config.dim * config.num_classes,
    )


def _stem_macs(config: ViTConfig) -> int:
    if config.stem == "linear":
        return config.image_size**2 * 3 * config.dim
    return sum(layer.output_size**2 * 9 * layer.channels * layer.width for layer in config.stem_convolutions)


def _block_macs(config: ViTConfig, tokens: int) -> int:
    width = config.num_heads * config.head_width
    projections = 4 * tokens * config.dim * width  # query, key, value, output
    attention = 2 * tokens**2 * width  # scores and weighted sum
    return projections + attention + _mlp_macs(tokens, config.dim, *config.mlp_dims, config.dim)


def _mlp_macs(tokens: int, *widths: int) -> int:
    return tokens * sum(before * after for before, after in pairwise(widths))


def _token_reducer_macs(config: ViTConfig) -> int:
    return config.reducer.macs(config) if config.reducer else 0


def _fuser_macs(config: ViTConfig) -> int:
    patches, tokens, dim = config.num_patches, config.num_tokens or 0, config.dim
    mixing = tokens**2 * dim
    shares = _mlp_macs(patches, dim, config.token_bottleneck_dim, tokens)
    return mixing + shares + patches * tokens * dim


def _pooling_macs(config: ViTConfig) -> int:
    if config.pooling == "mean":
        return 0
    tokens = config.num_patches if config.num_tokens is None or config.use_token_fuser else config.num_tokens
    return 2 * tokens * config.dim  # scores and weighted sum
