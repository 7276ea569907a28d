"""What the trainer's own network answers, in this process and without the exported model.

Axes: records, height, width, channels, classes.
"""

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.transform import decode_images
from models import vit  # noqa: F401 (registers the layers that a saved network may have)

_BATCH_SIZE = 64  # records


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """Records, their images, and what the network says of them."""

    records: tuple[bytes, ...]  # serialized tf.Examples
    pixels: np.ndarray  # uint8 [records, height, width, channels]
    probabilities: np.ndarray  # float32 [records, classes]


def read_records(split: pathlib.Path, count: int) -> list[bytes]:
    """Reads the first records of a split, all of them if there are fewer."""
    files = [str(file) for file in sorted(split.iterdir())]
    return list(tf.data.TFRecordDataset(files).take(count).as_numpy_iterator())


def expect(records: list[bytes], transform_graph: pathlib.Path, network: pathlib.Path) -> Expectation:
    """Classifies records with the network that the Trainer saved, on the processor.

    Args:
        records: Serialized tf.Examples of the raw features.
        transform_graph: Of the Transform.
        network: In Keras's own format, from normalized images to logits.

    Returns:
        The answers, with the records and their images.
    """
    transform = tft.TFTransformOutput(str(transform_graph)).transform_features_layer()
    spec = {features.IMAGE: tf.io.FixedLenFeature([], tf.string)}
    pixels, probabilities = [], []
    with tf.device("CPU:0"):
        model = keras.saving.load_model(network, compile=False)
        for start in range(0, len(records), _BATCH_SIZE):
            encoded = tf.io.parse_example(records[start : start + _BATCH_SIZE], spec)[features.IMAGE]
            logits = model(transform({features.IMAGE: encoded})[features.IMAGE], training=False)  # [records, classes]
            pixels.append(decode_images(encoded).numpy())
            probabilities.append(tf.nn.softmax(logits).numpy())
    return Expectation(
        records=tuple(records), pixels=np.concatenate(pixels), probabilities=np.concatenate(probabilities)
    )
