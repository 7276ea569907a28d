"""The "GFLOPs" of a ViTConfig by the convention of the Keras example's table, in closed form; not its true compute.

That table is half of the float operations that TensorFlow's profiler found in the example: two for each product of a
convolution or dense layer, and each operation of an element-wise step, of a softmax or of a mean. The profiler had no
rule for Einsum (all of the attention's projections, scores and sums), AddV2, Erf and Sigmoid (residuals, positions,
biases inside the attention and a part of GELU and layer norm), and left them out. Steps that the example lacks are
counted by the same rules. For the true compute see `models/macs.py`.
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
    patches, tokens, dim = config.num_patches, config.num_tokens or 0, config.dim
    depth_before, depth_after = config.split_depth()
    head_tokens = patches if not tokens or config.use_token_fuser else tokens
    reducer = config.reducer.profiled_operations(config) if config.reducer else 0
    if config.use_token_fuser:
        norms = 2 * count_norm(tokens, dim) + count_norm(patches, dim)
        mixing = 2 * dim * tokens**2
        shares = count_masking(patches, dim, config.token_bottleneck_dim, tokens)
        reducer = depth_after * (reducer + norms + mixing + shares)
    pooling = head_tokens * dim if config.pooling == "mean" else count_dense(head_tokens, dim, 1, SOFTMAX)
    head = count_norm(head_tokens, dim) + pooling + count_dense(1, dim, config.num_classes, SOFTMAX)
    blocks = depth_before * _count_block(config, patches) + depth_after * _count_block(config, tokens)
    return _count_stem(config) + blocks + reducer + head


def _count_stem(config: ViTConfig) -> int:
    if config.stem == "linear":
        return count_dense(config.num_patches, 3 * config.patch_size**2, config.dim)
    # The residual stem has ReLU and fused batch norm, which have no rule, in place of bias and GELU.
    per_output = GELU if config.stem == "convolution" else -1
    return sum(
        count_dense(layer.output_size**2, layer.kernel_size**2 * layer.channels, layer.width, per_output)
        for layer in config.stem_convolutions
    )


def _count_block(config: ViTConfig, tokens: int) -> int:
    scaled_queries = tokens * config.num_heads * config.head_width
    attention_weights = SOFTMAX * config.num_heads * tokens**2
    operations = 2 * count_norm(tokens, config.dim) + scaled_queries + attention_weights
    for width, units in pairwise((config.dim, *config.mlp_dims)):
        operations += count_dense(tokens, width, units, GELU)
    output_activation = GELU if config.mlp_output_activation == "gelu" else 0
    return operations + count_dense(tokens, config.mlp_dims[-1], config.dim, output_activation)
