"""preprocessing_fn: the one way from raw features to what the network and the Evaluator see.

Axes: batch, height, width, channels.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features

_QUARTILES = 4
_IMAGE_SHAPE = (32, 32, 3)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Decodes and normalises images, and tells how bright and how contrasty each is.

    Mean, variance and quartiles are those of the train split (full-pass analyzers).

    Args:
        inputs: id and image (encoded, 32x32x3), string [batch]; label, int64 [batch].

    Returns:
        image: float32 [batch, 32, 32, 3], zero mean and unit variance per channel.
        label: int64 [batch].
        brightness_quartile, contrast_quartile: int64 [batch], 0..3, of the mean and of the standard deviation of an
            image's grey values.
    """
    pixels = tf.cast(decode_images(inputs[features.IMAGE]), tf.float32) / 255.0  # [batch, height, width, channels]
    mean = tft.mean(tf.reduce_mean(pixels, axis=(1, 2)), reduce_instance_dims=False)  # [channels]
    mean_square = tft.mean(tf.reduce_mean(pixels**2, axis=(1, 2)), reduce_instance_dims=False)  # [channels]
    grey = tf.image.rgb_to_grayscale(pixels)[..., 0]  # [batch, height, width]
    return {
        features.IMAGE: (pixels - mean) / tf.sqrt(mean_square - mean**2),
        features.LABEL: inputs[features.LABEL],
        features.BRIGHTNESS_QUARTILE: tft.bucketize(tf.reduce_mean(grey, axis=(1, 2)), _QUARTILES),
        features.CONTRAST_QUARTILE: tft.bucketize(tf.math.reduce_std(grey, axis=(1, 2)), _QUARTILES),
    }


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
        fn_output_signature=tf.TensorSpec(_IMAGE_SHAPE, tf.uint8),
    )
    return tf.ensure_shape(decoded, (None, *_IMAGE_SHAPE))
