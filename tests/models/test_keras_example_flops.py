"""The figures of the Keras example's table come out of the closed form of its convention."""

import dataclasses

import pytest

from models.keras_example_flops import count_keras_example_gflops, count_profiled_operations
from models.macs import count_macs
from models.presets import PRESETS

# Published GFLOPs, and what `tf.compat.v1.profiler` (TensorFlow 2.16, cmd="op", float_operation) finds in the frozen
# graph of the example's code in tf_keras, without its augmentation and less the operations of AddV2.
_TABLE = {
    "keras_example": (0.0184, 37_458_172 - 672_320),
    "keras_example_8_tokens": (0.0153, 31_204_548 - 531_416),
    "keras_example_4_tokens": (0.0147, 29_303_316),
    "keras_example_8_blocks": (0.0359, 71_717_564),
}


@pytest.mark.parametrize(("name", "gflops", "operations"), [(name, *row) for name, row in _TABLE.items()])
def test_a_row_of_the_published_table_is_met_to_its_last_digit(name: str, gflops: float, operations: int) -> None:
    assert count_profiled_operations(PRESETS[name]) == operations
    assert round(count_keras_example_gflops(PRESETS[name]), 4) == gflops


def test_the_attentions_products_are_left_out() -> None:
    narrow, wide = (dataclasses.replace(PRESETS["keras_example"], head_dim=width) for width in (32, 128))
    queries = 4 * 64 * 4 * (128 - 32)  # their scaling is no product of matrices
    assert count_profiled_operations(wide) - count_profiled_operations(narrow) == queries
    assert count_macs(wide).total - count_macs(narrow).total > 100 * queries


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"token_reducer": "random_selection"}, 0),
        ({"token_reducer": "average_pooling"}, 64 * 128),
        ({"token_reducer": "top_k_norm"}, 2 * 64 * 128 - 64),
        (
            {"token_reducer": "token_learner_v11"},
            8 * 64 * 128 + 2 * 64 + 64 * (2 * 128 * 64 + 4 * 64) + 64 * (2 * 64 * 8 + 6 * 8),
        ),
    ],
    ids=str,
)
def test_other_reducers_are_counted_by_the_same_rules(changes: dict[str, str], added: int) -> None:
    config = dataclasses.replace(PRESETS["keras_example_8_tokens"], **changes)  # type: ignore[arg-type]
    selection = dataclasses.replace(config, token_reducer="random_selection")
    assert count_profiled_operations(config) - count_profiled_operations(selection) == added


def test_parts_that_the_example_lacks_are_counted_by_the_same_rules() -> None:
    config = PRESETS["keras_example_8_tokens"]
    summed = dataclasses.replace(config, token_learner_pooling="sum")
    assert count_profiled_operations(config) - count_profiled_operations(summed) == 8 * 128  # no division
    sequence = dataclasses.replace(config, pooling="sequence")
    scores = 8 * (2 * 128 + 1 + 5)  # products, bias, softmax
    assert count_profiled_operations(sequence) - count_profiled_operations(config) == scores - 8 * 128
    linear_output = dataclasses.replace(config, mlp_output_activation="linear")
    gelus = 3 * 128 * (3 * 64 + 8)
    assert count_profiled_operations(config) - count_profiled_operations(linear_output) == gelus
    stem = 2 * 24 * 24 * 27 * 64 + 4 * 24 * 24 * 64 + 2 * 12 * 12 * 576 * 128 + 4 * 12 * 12 * 128
    patch_4 = dataclasses.replace(config, patch_size=4)
    convolutions = dataclasses.replace(patch_4, stem="convolution")
    linear_stem = 2 * 144 * 48 * 128 + 144 * 128
    assert count_profiled_operations(convolutions) - count_profiled_operations(patch_4) == stem - linear_stem
    more = 2 * 24 * 24 * 576 * 64 + 2 * 12 * 12 * 1152 * 128  # no profiler rule for fused batch norm and ReLU
    biases_and_gelus = 4 * 24 * 24 * 64 + 4 * 12 * 12 * 128
    residual = dataclasses.replace(patch_4, stem="residual")
    added = count_profiled_operations(residual) - count_profiled_operations(convolutions)
    assert added == more - biases_and_gelus


def test_each_fuser_is_counted_with_a_reducer_of_its_own() -> None:
    config = dataclasses.replace(PRESETS["keras_example_8_tokens"], token_reducer="random_selection")
    fused = dataclasses.replace(config, use_token_fuser=True)
    norms = 2 * (8 * 8 * 128 + 2 * 8) + 8 * 64 * 128 + 2 * 64
    mixing = 2 * 128 * 8 * 8
    shares = 64 * (2 * 128 * 64 + 4 * 64) + 64 * (2 * 64 * 8 + 8)
    head_on_patches = (64 - 8) * (8 * 128 + 2 + 128)
    added = count_profiled_operations(fused) - count_profiled_operations(config)
    assert added == norms + mixing + shares + head_on_patches
