"""The probabilities of the Trainer's own network, computed in this process without the exported model.

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
from models.reducers.registry import REDUCERS

_BATCH_SIZE = 64  # records


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """Records, their images, and the probabilities that the network predicts for them."""

    records: list[bytes]  # serialized tf.Examples
    pixels: np.ndarray  # uint8 [records, height, width, channels]
    probabilities: np.ndarray  # float32 [records, classes]


def predict_records(
    split: pathlib.Path, count: int, transform_graph: pathlib.Path, network: pathlib.Path
) -> Expectation:
    """Classifies the first records of a split with the network that the Trainer saved, on the CPU.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
        count: Number of records; a smaller split is used completely.
        transform_graph: Output of the Transform.
        network: In Keras's own format, from normalized images to logits.
    """
    files = [str(file) for file in sorted(split.iterdir())]
    dataset = tf.data.TFRecordDataset(files).take(count)
    transform = tft.TFTransformOutput(str(transform_graph)).transform_features_layer()
    spec = {features.IMAGE: tf.io.FixedLenFeature([], tf.string)}
    pixels, probabilities = [], []
    with tf.device("CPU:0"):
        model = load_network(network)
        for batch in dataset.batch(_BATCH_SIZE):
            encoded = tf.io.parse_example(batch, spec)[features.IMAGE]
            logits = model(transform({features.IMAGE: encoded})[features.IMAGE], training=False)  # [records, classes]
            pixels.append(decode_images(encoded, model.input_shape[1]).numpy())
            probabilities.append(tf.nn.softmax(logits).numpy())
    return Expectation(
        records=list(dataset.as_numpy_iterator()),
        pixels=np.concatenate(pixels),
        probabilities=np.concatenate(probabilities),
    )


def load_network(file: pathlib.Path) -> keras.Model:
    """Loads a network in Keras's own format, also in a process that has not built one."""
    for reducer in REDUCERS.values():
        reducer.load_layer()  # registers it with Keras
    return keras.saving.load_model(file, compile=False)
