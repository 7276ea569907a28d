"""The "GFLOPs" of a ViTConfig by the convention of the Keras example's table, in closed form; not its true compute.

That table is half of the float operations that TensorFlow's profiler found in the example: both operations of each
product of a convolution or dense layer, and each operation of an element-wise step, of a softmax or of a mean. Left out
is what the profiler of that time had no rule for: Einsum, and so all of the attention's projections, scores and sums,
and AddV2, Erf and Sigmoid, and so residuals, positions, biases inside the attention and a part of GELU and layer norm.
Steps that the example lacks are counted by the same rules. For the compute that a network really needs see
`models/macs.py`.
"""

from itertools import pairwise

from models.vit_config import ViTConfig

_SOFTMAX = 5  # operations an element: shift, exponential, normalisation
_GELU = 3  # operations an element: two products and a division


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


def _norm(rows: int, width: int) -> int:
    # Two means, differences and their squares, three products, a difference; a root, at two operations.
    return 8 * rows * width + 2 * rows


def _dense(rows: int, width: int, units: int, per_output: int = 0) -> int:
    return 2 * rows * width * units + (1 + per_output) * rows * units  # products, bias, activation


def _stem(config: ViTConfig) -> int:
    if config.stem == "linear":
        return _dense(config.num_patches, 3 * config.patch_size**2, config.dim)
    operations = 0
    for layer in config.stem_convolutions:
        pixels = layer.output_size**2
        operations += _dense(pixels, 9 * layer.channels, layer.width, _GELU)
        if config.stem == "residual":  # ReLU and fused batch norm, without a rule, in place of bias and GELU
            operations -= (1 + _GELU) * pixels * layer.width
    return operations


def _block(config: ViTConfig, tokens: int) -> int:
    scaled_queries = tokens * config.num_heads * config.head_width
    attention_weights = _SOFTMAX * config.num_heads * tokens**2
    operations = 2 * _norm(tokens, config.dim) + scaled_queries + attention_weights
    for width, units in pairwise((config.dim, *config.mlp_dims)):
        operations += _dense(tokens, width, units, _GELU)
    output_activation = _GELU if config.mlp_output_activation == "gelu" else 0
    return operations + _dense(tokens, config.mlp_dims[-1], config.dim, output_activation)


def _token_reducer(config: ViTConfig) -> int:
    patches, tokens, dim = config.num_patches, config.num_tokens or 0, config.dim
    elements = patches * dim
    if config.token_reducer == "token_learner":
        products = patches * 9 * (dim * tokens + 3 * tokens**2)
        pooling = 2 * tokens * elements - (tokens * dim if config.token_learner_pooling == "sum" else 0)
        return _norm(patches, dim) + 2 * products + 3 * _GELU * patches * tokens + pooling
    if config.token_reducer == "token_learner_v11":
        return _norm(patches, dim) + _masking(config, _SOFTMAX)
    if config.token_reducer == "average_pooling":
        return elements
    if config.token_reducer == "top_k_norm":
        return 2 * elements - patches  # squares and their sums
    return 0


def _masking(config: ViTConfig, per_output: int = 0) -> int:
    hidden = _dense(config.num_patches, config.dim, config.token_bottleneck_dim, _GELU)
    return hidden + _dense(config.num_patches, config.token_bottleneck_dim, config.num_tokens or 0, per_output)


def _fuser(config: ViTConfig) -> int:
    tokens = config.num_tokens or 0
    norms = 2 * _norm(tokens, config.dim) + _norm(config.num_patches, config.dim)
    mixing = 2 * config.dim * tokens**2
    return norms + mixing + _masking(config)


def _head(config: ViTConfig, tokens: int) -> int:
    pooling = tokens * config.dim if config.pooling == "mean" else _dense(tokens, config.dim, 1, _SOFTMAX)
    return _norm(tokens, config.dim) + pooling + _dense(1, config.dim, config.num_classes, _SOFTMAX)
