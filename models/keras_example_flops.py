"""The "GFLOPs" of a ViTConfig by the convention of the Keras example's table, in closed form; not its true compute.

That table is half of the float operations that TensorFlow's profiler found in the example: both operations of each
product of a convolution or dense layer, and each operation of an element-wise step, of a softmax or of a mean. Left out
is what the profiler of that time had no rule for: Einsum, and so all of the attention's projections, scores and sums,
and AddV2, Erf and Sigmoid, and so residuals, positions, biases inside the attention and a part of GELU and layer norm.
Steps that the example lacks are counted by the same rules. For the compute that a network really needs see
`models/macs.py`.
"""

from itertools import pairwise

from models.profiled_operations import GELU, SOFTMAX, count_dense, count_masking, count_norm
from models.vit_config import ViTConfig


def count_keras_example_gflops(config: ViTConfig) -> float:
    """Counts the compute of one image as the table of the Keras example does, attention left out.

    Args:
        config: The network.

    Returns:
        Half of the float operations that TensorFlow's profiler would find, in units of 10**9.

    Reference:
        keras-team/keras-io, examples/vision/token_learner.py; AdityaKane2001/regnety, regnety/utils/model_utils.py.
    """
    return count_profiled_operations(config) // 2 / 10**9


def count_profiled_operations(config: ViTConfig) -> int:
    """Counts the float operations of one image for which the profiler had a rule.

    Args:
        config: The network.

    Returns:
        Operations, two for each product of a convolution or dense layer.
    """
    patches, tokens = config.num_patches, config.num_tokens or 0
    placement = config.blocks_before_token_learner
    depth_before = config.depth if placement is None else placement
    depth_after = config.depth - depth_before
    tokens_at_head = patches if placement is None or config.use_token_fuser else tokens
    reducers = depth_after if config.use_token_fuser else 1
    return (
        _stem(config)
        + depth_before * _block(config, patches)
        + reducers * _token_reducer(config)
        + config.use_token_fuser * reducers * _fuser(config)
        + depth_after * _block(config, tokens)
        + _head(config, tokens_at_head)
    )


def _stem(config: ViTConfig) -> int:
    if config.stem == "linear":
        return count_dense(config.num_patches, 3 * config.patch_size**2, config.dim)
    operations = 0
    for layer in config.stem_convolutions:
        pixels = layer.output_size**2
        operations += count_dense(pixels, 9 * layer.channels, layer.width, GELU)
        if config.stem == "residual":  # ReLU and fused batch norm, without a rule, in place of bias and GELU
            operations -= (1 + GELU) * pixels * layer.width
    return operations


def _block(config: ViTConfig, tokens: int) -> int:
    scaled_queries = tokens * config.num_heads * config.head_width
    attention_weights = SOFTMAX * config.num_heads * tokens**2
    operations = 2 * count_norm(tokens, config.dim) + scaled_queries + attention_weights
    for width, units in pairwise((config.dim, *config.mlp_dims)):
        operations += count_dense(tokens, width, units, GELU)
    output_activation = GELU if config.mlp_output_activation == "gelu" else 0
    return operations + count_dense(tokens, config.mlp_dims[-1], config.dim, output_activation)


def _token_reducer(config: ViTConfig) -> int:
    return config.reducer.profiled_operations(config) if config.reducer else 0


def _fuser(config: ViTConfig) -> int:
    tokens = config.num_tokens or 0
    norms = 2 * count_norm(tokens, config.dim) + count_norm(config.num_patches, config.dim)
    mixing = 2 * config.dim * tokens**2
    return norms + mixing + count_masking(config.num_patches, config.dim, config.token_bottleneck_dim, tokens)


def _head(config: ViTConfig, tokens: int) -> int:
    pooling = tokens * config.dim if config.pooling == "mean" else count_dense(tokens, config.dim, 1, SOFTMAX)
    return count_norm(tokens, config.dim) + pooling + count_dense(1, config.dim, config.num_classes, SOFTMAX)
