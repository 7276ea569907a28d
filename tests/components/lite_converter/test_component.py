"""The LiteConverter, driven with real artifacts, of a network that does not convert.

What it makes of one that does is in `tests/end_to_end/test_lite_models.py`.
"""

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf

from components import features


class _Determinant(keras.layers.Layer):
    """Something that TensorFlow Lite has not."""

    def call(self, images: Any) -> Any:
        """Returns logits, [batch, classes]."""
        return keras.ops.repeat(keras.ops.expand_dims(tf.linalg.det(images[..., 0]), 1), features.NUM_CLASSES, axis=1)


@pytest.mark.slow
def test_a_network_that_does_not_convert_keeps_its_place_and_gets_no_lite_models(
    convert_network: Callable[[keras.Model], Any],
) -> None:
    images = keras.Input((32, 32, 3))
    found = convert_network(keras.Model(images, _Determinant()(images)))
    assert [variant.name for variant in found.comparison.variants] == ["saved_model"]
    reason = "not pushed: TensorFlow Lite cannot take this network: it lacks an operator"
    assert found.comparison.outcomes == dict.fromkeys(
        ("float32", "int8"), f"{reason} (TF Select ops: MatrixDeterminant)"
    )
    assert not list(found.folder.glob("*.tflite"))
