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
    blocks_after: int  # on the tokens
    head: int  # logits

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
    patches, tokens, dim = config.num_patches, config.num_tokens or 0, config.dim
    depth_before, depth_after = config.split_depth()
    reducer = config.reducer.macs(config) if config.reducer else 0
    if config.use_token_fuser:  # mixing, shares, weighted sum; each later block has a reducer and a fuser of its own
        shares = _count_mlp(patches, dim, config.token_bottleneck_dim, tokens)
        reducer = depth_after * (reducer + tokens**2 * dim + shares + patches * tokens * dim)
    return Macs(
        stem=_count_stem(config),
        blocks_before=depth_before * _count_block(config, patches),
        token_reducer=reducer,
        blocks_after=depth_after * _count_block(config, tokens),
        head=dim * config.num_classes,
    )


def _count_stem(config: ViTConfig) -> int:
    if config.stem == "linear":
        return config.image_size**2 * 3 * config.dim
    return sum(
        layer.output_size**2 * layer.kernel_size**2 * layer.channels * layer.width for layer in config.stem_convolutions
    )


def _count_block(config: ViTConfig, tokens: int) -> int:
    width = config.num_heads * config.head_width
    projections = 4 * tokens * config.dim * width  # query, key, value, output
    attention = 2 * tokens**2 * width  # scores and weighted sum
    return projections + attention + _count_mlp(tokens, config.dim, *config.mlp_dims, config.dim)


def _count_mlp(tokens: int, *widths: int) -> int:
    return tokens * sum(before * after for before, after in pairwise(widths))
