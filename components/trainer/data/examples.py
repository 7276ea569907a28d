"""Examples: transformed, augmented batches from TFRecords of raw examples.

Decoded pixels are kept in a file, so that memory does not grow with the number of images; they are normalized batch by
batch. Axes: batch, height, width, channels.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from components.trainer.config import FitConfig
from components.trainer.data.pixel_file import PixelFile
from components.trainer.data.transform_functions import load_decoder, load_normalization

_READ_BATCH_SIZE = 256  # images decoded or hashed at once; does not touch what is trained on
_ENDLESS = 2**40  # passes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examples:
    """One split: pixels in a file, labels in memory; a context manager that removes the file."""

    pixels: PixelFile  # images in the order of the labels; images after the last label are ignored
    labels: tf.Tensor  # int64 [examples]
    normalize: Callable[[tf.Tensor], tf.Tensor]  # pixel by pixel, to float32 [batch, height, width, channels]

    def __len__(self) -> int:
        return len(self.labels)

    def __enter__(self) -> "Examples":
        return self

    def __exit__(self, *_: object) -> None:
        self.pixels.close()

    def first(self, count: int | None) -> "Examples":
        """Returns the first examples, or all for None, of the same file."""
        return dataclasses.replace(self, labels=self.labels[:count])

    def gather(self, positions: tf.Tensor) -> tf.Tensor:
        """Returns the pixels at some positions, [batch], as uint8 [batch, height, width, channels]."""
        pixels = tf.numpy_function(self.pixels.gather, [positions], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, (*positions.shape, *self.pixels.shape))

    def stream_images(self, batch_size: int) -> tf.data.Dataset:
        """Returns all normalized images in order, float32 [batch, height, width, channels]."""
        positions = tf.data.Dataset.range(len(self)).batch(batch_size)
        return _fix_tuning(positions.map(lambda batch: self.normalize(self.gather(batch))).prefetch(1))

    def digest(self) -> str:
        """Returns the SHA-256 of the normalized images and the labels."""
        digest = hashlib.sha256()
        for images in self.stream_images(_READ_BATCH_SIZE).as_numpy_iterator():
            digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def read_examples(files: Sequence[str], transform: tft.TFTransformOutput) -> Examples:
    """Reads one split through the Transform graph.

    Args:
        files: Patterns of TFRecords with tf.Examples.
        transform: The Transform graph.

    Returns:
        The split, in the order of its records.

    Raises:
        PixelFileError: The disk has no room for the pixels.
    """
    records = tfxio.TFExampleRecord(
        list(files), schema=transform.raw_metadata.schema, telemetry_descriptors=["Trainer"]
    )
    raw = records.TensorFlowDataset(
        tfxio.TensorFlowDatasetOptions(batch_size=_READ_BATCH_SIZE, num_epochs=1, shuffle=False)
    )
    decoded = raw.map(load_decoder(transform), num_parallel_calls=tf.data.AUTOTUNE)
    pixels, labels = PixelFile(tuple(decoded.element_spec[0].shape[1:])), []
    for batch, batch_labels in decoded.as_numpy_iterator():
        pixels.append(batch)
        labels.append(batch_labels)
    return Examples(pixels=pixels, labels=tf.constant(np.concatenate(labels)), normalize=load_normalization(transform))


def count_records(files: Sequence[str]) -> int:
    """Counts the TFRecords of files, by their patterns."""
    records = tf.data.TFRecordDataset(tf.constant(tf.io.gfile.glob(list(files)), tf.string))
    return int(records.reduce(np.int64(0), lambda count, _: count + 1))


def training_batches(examples: Examples, config: FitConfig, *, seed: int, first_epoch: int) -> tf.data.Dataset:
    """Shuffles, batches and augments without end, differently in each epoch.

    Each batch depends on the seed, the pass over the images and its place in it alone, so that an interrupted training
    continues with the same batches.

    Args:
        examples: The train split.
        config: Batch size and crop padding.
        seed: Of shuffling and augmentation.
        first_epoch: From 0.

    Returns:
        (images, labels): float32 [batch, height, width, channels], int64 [batch]; an epoch has `config.count_steps`.
    """
    size = config.batch_size
    padding = config.find_crop_padding(examples.pixels.shape[0])
    batches = tf.constant(len(examples) // size, tf.int64)

    def deal(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(tf.random.stateless_uniform([len(examples)], seed=[seed, number]), stable=True)
        return tf.data.Dataset.zip(
            (
                tf.data.Dataset.from_tensor_slices(order).batch(size, drop_remainder=True),
                tf.data.Dataset.range(number * batches, (number + 1) * batches),
            )
        )

    def draw(order: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # The normalization works value by value, so it may come after the crop.
        augmented = crop_and_flip(examples.gather(order), padding, tf.stack([seed, step]), flip=config.flip)
        return tf.ensure_shape(examples.normalize(augmented), augmented.shape), tf.gather(examples.labels, order)

    passes = tf.data.Dataset.range(first_epoch * config.count_passes(len(examples)), _ENDLESS)
    return _fix_tuning(passes.flat_map(deal).map(draw, num_parallel_calls=2).prefetch(2))


def _fix_tuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset without automatic tuning, whose thread may keep an iterator from ending for seconds."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def crop_and_flip(images: tf.Tensor, padding: int, seed: tf.Tensor, *, flip: bool = True) -> tf.Tensor:
    """Crops each image of a batch at random from its reflected padding, and mirrors it with probability 0.5.

    Args:
        images: [batch, height, width, channels].
        padding: Pixels of reflection on each side of the image.
        seed: int64 [2]; the same seed gives the same result.
        flip: Whether images are mirrored.

    Returns:
        [batch, height, width, channels].
    """
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    offsets = tf.random.stateless_uniform([2, batch, 1], seed, maxval=2 * padding + 1, dtype=tf.int32)
    mirrored = tf.random.stateless_uniform([batch, 1], seed + 1) < 0.5
    # Positions are computed first, so that each value is moved once.
    rows = _reflect(offsets[0] + tf.range(height) - padding, height)  # [batch, height]
    columns = _reflect(offsets[1] + tf.range(width) - padding, width)  # [batch, width]
    if flip:
        columns = tf.where(mirrored, tf.reverse(columns, axis=[1]), columns)
    return tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _reflect(positions: tf.Tensor, size: int) -> tf.Tensor:
    """Reflects positions up to `size - 1` outside of an axis into it; the edge is not repeated."""
    return size - 1 - tf.abs(size - 1 - tf.abs(positions))
