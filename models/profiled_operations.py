"""Float operations of a layer for which TensorFlow's profiler of 2021 had a rule; see `keras_example_flops.py`."""

SOFTMAX = 5  # operations an element: shift, exponential, normalization
GELU = 3  # operations an element: two products and a division


def count_norm(rows: int, width: int) -> int:
    """Counts a layer norm of [rows, width]."""
    # Two means, differences and their squares, three products, a difference; a root, at two operations.
    return 8 * rows * width + 2 * rows


def count_dense(rows: int, width: int, units: int, per_output: int = 0) -> int:
    """Counts a dense layer from [rows, width] to [rows, units], with `per_output` operations of its activation."""
    return 2 * rows * width * units + (1 + per_output) * rows * units  # products, bias, activation


def count_masking(patches: int, dim: int, bottleneck_dim: int, tokens: int, per_output: int = 0) -> int:
    """Counts the MLP that weighs each patch for each token."""
    return count_dense(patches, dim, bottleneck_dim, GELU) + count_dense(patches, bottleneck_dim, tokens, per_output)
