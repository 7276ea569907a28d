"""Images that TensorFlow Lite models are calibrated with and measured on.

Axes: batch, height, width, channels.
"""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components import features
from components.transform import decode_images

_BATCH_SIZE = 500  # images


class Images(NamedTuple):
    """Some images of a split."""

    ids: np.ndarray  # bytes [batch]
    pixels: np.ndarray  # uint8 [batch, height, width, channels]
    labels: np.ndarray  # int64 [batch]


def stream_images(split: pathlib.Path) -> Iterator[Images]:
    """Yields the images of a split, some hundreds at a time, in the order of the records.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
    """
    spec = {
        features.ID: tf.io.FixedLenFeature([], tf.string),
        features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }

    def decode(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, spec)
        return parsed[features.ID], decode_images(parsed[features.IMAGE]), parsed[features.LABEL]

    files = [str(file) for file in sorted(split.iterdir())]
    # Decoded in the dataset's graph: eagerly, `tf.map_fn` pays a dozen Python calls an image.
    dataset = tf.data.TFRecordDataset(files).batch(_BATCH_SIZE).map(decode).prefetch(1)
    yield from (Images(*batch) for batch in dataset.as_numpy_iterator())


def choose_images(split: pathlib.Path, images_per_class: int) -> np.ndarray:
    """Chooses the first so many images of each class; fewer, where a class has not so many.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
        images_per_class: At least 1.

    Returns:
        uint8 [batch, height, width, channels], in the order of the records.
    """
    left = np.full(features.NUM_CLASSES, images_per_class)
    chosen = []
    for batch in stream_images(split):
        for image, label in zip(batch.pixels, batch.labels, strict=True):
            if left[label]:
                left[label] -= 1
                chosen.append(image)
        if not left.any():
            break
    return np.stack(chosen)
