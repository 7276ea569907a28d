"""Read: transformed, augmented batches out of TFRecords of raw examples.

Axes: batch, height, width, channels.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from components import features
from components.trainer.config import FitConfig

_READ_BATCH_SIZE = 256  # images decoded at once; does not touch what is trained on


def read_examples(fn_args: Any, files: list[str], transform: tft.TFTransformOutput) -> tf.data.Dataset:
    """Reads one split through the Transform graph, once, and keeps it in memory from then on.

    Args:
        fn_args: Of the Trainer.
        files: File patterns of the split.
        transform: The Transform graph.

    Returns:
        (image, label) one by one: float32 [height, width, channels], int64 []; their number is the cardinality.
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

    examples = raw.map(to_pair, num_parallel_calls=tf.data.AUTOTUNE).unbatch().cache()
    count = examples.reduce(tf.constant(0, tf.int64), lambda count, *_: count + 1)  # fills the cache, too
    return examples.apply(tf.data.experimental.assert_cardinality(count))


def training_batches(examples: tf.data.Dataset, config: FitConfig) -> tf.data.Dataset:
    """Shuffles, batches and augments, anew in each epoch.

    Args:
        examples: Of `read_examples`.
        config: Batch size, shuffle buffer, crop padding and seed.

    Returns:
        (images, labels): float32 [batch, height, width, channels], int64 [batch]; the last, smaller batch is dropped.
    """
    seeds = tf.data.Dataset.random(seed=config.seed, rerandomize_each_iteration=True).batch(2)
    batches = examples.shuffle(config.shuffle_buffer, seed=config.seed).batch(config.batch_size, drop_remainder=True)
    return (
        tf.data.Dataset.zip((batches, seeds))
        .map(
            lambda batch, seed: (crop_and_flip(batch[0], config.crop_padding, seed), batch[1]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .prefetch(tf.data.AUTOTUNE)
    )


def validation_batches(examples: tf.data.Dataset, config: FitConfig) -> tf.data.Dataset:
    """Batches in order, without augmentation.

    Args:
        examples: Of `read_examples`.
        config: Batch size.

    Returns:
        (images, labels): float32 [batch, height, width, channels], int64 [batch].
    """
    return examples.batch(config.batch_size).prefetch(tf.data.AUTOTUNE)


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
