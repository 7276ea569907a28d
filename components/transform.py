"""The preprocessing of raw features, shared by training, evaluation and serving.

Axes: batch, height, width, channels.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features

_QUARTILES = 4
_LUMA = (299, 587, 114)  # ITU-R 601-2, thousandths


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Decodes and normalizes images, and computes their quartiles of brightness and contrast.

    Mean, variance and quartiles are those of the train split (full-pass analyzers).

    Args:
        inputs: id and image (encoded, 32x32x3), string [batch]; label, int64 [batch].

    Returns:
        image: float32 [batch, 32, 32, 3], zero mean and unit variance per channel.
        label: int64 [batch].
        brightness_quartile, contrast_quartile: int64 [batch], 0..3, of the mean and of the standard deviation of an
            image's gray values.
    """
    decoded = decode_images(inputs[features.IMAGE])
    mean, scale = _measure_channels(decoded)
    # Exact integers: an image whose value is a boundary falls into the same quartile wherever the graph runs.
    gray = tf.reduce_sum(tf.cast(decoded, tf.int64) * _LUMA, axis=-1)  # thousandths, [batch, height, width]
    total = tf.reduce_sum(gray, axis=(1, 2))  # [batch]
    spread = (
        features.IMAGE_SHAPE[0] * features.IMAGE_SHAPE[1] * tf.reduce_sum(gray**2, axis=(1, 2)) - total**2
    )  # [batch]
    return {
        features.IMAGE: (tf.cast(decoded, tf.float32) - mean) * scale,
        features.LABEL: inputs[features.LABEL],
        features.BRIGHTNESS_QUARTILE: tft.bucketize(tf.cast(total, tf.float32), _QUARTILES),
        features.CONTRAST_QUARTILE: tft.bucketize(tf.cast(spread, tf.float32), _QUARTILES),
    }


def _measure_channels(decoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Measures the train split by sums of integers, which are bit-identical in whatever order Beam adds.

    Args:
        decoded: uint8 [batch, height, width, channels].

    Returns:
        Mean and reciprocal standard deviation of each channel: float32 [channels].
    """
    values = tf.cast(decoded, tf.int64)
    pixels, total, squares = (
        tf.cast(tft.sum(tf.reduce_sum(terms, axis=(1, 2)), reduce_instance_dims=False), tf.float64)
        for terms in (tf.ones_like(values), values, values**2)
    )  # [channels] each
    mean = total / pixels
    return tf.cast(mean, tf.float32), tf.cast(tf.math.rsqrt(squares / pixels - mean**2), tf.float32)


def decode_images(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes images.

    Args:
        encoded: PNG or any other format that TensorFlow decodes, string [batch].

    Returns:
        uint8 [batch, 32, 32, 3].
    """
    decoded = tf.map_fn(
        lambda image: tf.io.decode_image(image, channels=3, expand_animations=False),
        encoded,
        fn_output_signature=tf.TensorSpec(features.IMAGE_SHAPE, tf.uint8),
    )
    return tf.ensure_shape(decoded, (None, *features.IMAGE_SHAPE), name=features.DECODED_IMAGES)
