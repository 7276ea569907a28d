"""Read: transformed, augmented batches out of TFRecords of raw examples.

Axes: batch, height, width, channels.
"""

import dataclasses
import hashlib
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from components import features
from components.trainer.config import FitConfig

_READ_BATCH_SIZE = 256  # images decoded at once; does not touch what is trained on
_ENDLESS = 2**40  # epochs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examples:
    """One split in memory, as the network sees it."""

    images: tf.Tensor  # float32 [examples, height, width, channels], normalised
    labels: tf.Tensor  # int64 [examples]

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Returns the SHA-256 of the images and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def read_examples(fn_args: Any, files: list[str], transform: tft.TFTransformOutput) -> Examples:
    """Reads one split through the Transform graph.

    Args:
        fn_args: Of the Trainer.
        files: File patterns of the split.
        transform: The Transform graph.

    Returns:
        The split, in the order of its records.
    """
    raw = fn_args.data_accessor.tf_dataset_factory(
        files,
        tfxio.TensorFlowDatasetOptions(batch_size=_READ_BATCH_SIZE, num_epochs=1, shuffle=False),
        transform.raw_metadata.schema,
    )
    layer = transform.transform_features_layer()

    def to_pair(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        transformed = layer(batch)
        return transformed[features.IMAGE], transformed[features.LABEL]

    pairs = list(raw.map(to_pair, num_parallel_calls=tf.data.AUTOTUNE).as_numpy_iterator())
    images, labels = (tf.constant(np.concatenate(column)) for column in zip(*pairs, strict=True))
    return Examples(images=images, labels=labels)


def count_batches(examples: Examples, config: FitConfig) -> int:
    """Returns the training batches of an epoch; the last, smaller batch is dropped."""
    return len(examples) // config.batch_size


def training_batches(examples: Examples, config: FitConfig, *, seed: int, first_epoch: int) -> tf.data.Dataset:
    """Shuffles, batches and augments, anew in each epoch, without end.

    Each batch depends on the seed, the epoch and its place in it, and on nothing else: training that was interrupted
    goes on with the very batches that it would have seen.

    Args:
        examples: The train split.
        config: Batch size and crop padding.
        seed: Of shuffling and augmentation.
        first_epoch: To begin with, from 0.

    Returns:
        (images, labels): float32 [batch, height, width, channels], int64 [batch]; `count_batches` of them an epoch.
    """
    size = config.batch_size
    batches = tf.constant(count_batches(examples, config), tf.int64)

    def deal(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(tf.random.stateless_uniform([len(examples)], seed=[seed, epoch]), stable=True)
        return tf.data.Dataset.zip(
            (
                tf.data.Dataset.from_tensor_slices(order).batch(size, drop_remainder=True),
                tf.data.Dataset.range(epoch * batches, (epoch + 1) * batches),
            )
        )

    def draw(order: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        augmented = crop_and_flip(tf.gather(examples.images, order), config.crop_padding, tf.stack([seed, step]))
        return augmented, tf.gather(examples.labels, order)

    epochs = tf.data.Dataset.range(first_epoch, _ENDLESS)
    return epochs.flat_map(deal).map(draw, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def crop_and_flip(images: tf.Tensor, padding: int, seed: tf.Tensor) -> tf.Tensor:
    """Crops each image at random from its reflected surroundings and mirrors every other one, a whole batch at once.

    Args:
        images: [batch, height, width, channels].
        padding: Pixels of reflection around the image.
        seed: int64 [2]; the same seed gives the same result.

    Returns:
        [batch, height, width, channels].
    """
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]], mode="REFLECT")
    offsets = tf.random.stateless_uniform([2, batch, 1], seed, maxval=2 * padding + 1, dtype=tf.int32)
    rows = tf.gather(padded, offsets[0] + tf.range(height), axis=1, batch_dims=1)
    cropped = tf.gather(rows, offsets[1] + tf.range(width), axis=2, batch_dims=1)
    mirrored = tf.random.stateless_uniform([batch, 1, 1, 1], seed + 1) < 0.5
    return tf.where(mirrored, tf.reverse(cropped, axis=[2]), cropped)
