"""The images that TensorFlow Lite models are measured on.

Axes: images, height, width, channels.
"""

import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.lite_converter import images


def test_images_are_those_of_the_records_in_their_order_across_batches(
    examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = pathlib.Path(examples.uri) / f"Split-{features.TEST_SPLIT}"
    [file] = split.iterdir()
    records = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]
    encoded = [record.features.feature[features.IMAGE].bytes_list.value[0] for record in records]
    monkeypatch.setattr(images, "_BATCH_SIZE", 7)
    batches = list(images.stream_images(split))
    assert [len(batch.ids) for batch in batches[:-1]] == [7] * (len(batches) - 1)
    assert len(batches) > 1
    ids, pixels, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    np.testing.assert_array_equal(pixels, [tf.io.decode_png(image).numpy() for image in encoded])
    values = [record.features.feature for record in records]
    assert ids.tolist() == [value[features.ID].bytes_list.value[0] for value in values]
    assert labels.tolist() == [value[features.LABEL].int64_list.value[0] for value in values]
