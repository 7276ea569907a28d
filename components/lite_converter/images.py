"""Reads the images that twins are calibrated with and measured on.

Axes: batch, height, width, channels.
"""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from components import features
from components.transform import decode_images

_BATCH_SIZE = 500  # images


def stream_pixels(split: pathlib.Path) -> Iterator[np.ndarray]:
    """Yields the images of a split, some hundreds at a time.

    Args:
        split: Folder of TFRecords of raw tf.Examples.

    Yields:
        uint8 [batch, height, width, channels], in the order of the records.
    """
    for pixels, _ in _read_batches(split):
        yield pixels


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
    for pixels, labels in _read_batches(split):
        for image, label in zip(pixels, labels, strict=True):
            if left[label]:
                left[label] -= 1
                chosen.append(image)
        if not left.any():
            break
    return np.stack(chosen)


def _read_batches(split: pathlib.Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pixels, [batch, height, width, channels], and labels, [batch]."""
    spec = {
        features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }

    def decode(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, spec)
        return decode_images(parsed[features.IMAGE]), parsed[features.LABEL]

    files = [str(file) for file in sorted(split.iterdir())]
    # Decoded in the dataset's graph: eagerly, `tf.map_fn` pays a dozen Python calls an image.
    yield from tf.data.TFRecordDataset(files).batch(_BATCH_SIZE).map(decode).prefetch(1).as_numpy_iterator()
