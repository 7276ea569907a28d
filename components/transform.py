"""The preprocessing of raw features, shared by training, evaluation and serving.

Axes: batch, height, width, channels.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features

_QUARTILES = 4
_LUMA = (299, 587, 114)  # ITU-R 601-2, thousandths


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Decodes, resizes and normalizes images, and computes their quartiles of brightness and contrast.

    Mean, variance and quartiles are those of the train split (full-pass analyzers).

    Args:
        inputs: id and image (encoded), string [batch]; label, int64 [batch].
        custom_config: image_size, side of the square that every image becomes, pixels.

    Returns:
        image: float32 [batch, size, size, 3], zero mean and unit variance per channel.
        label: int64 [batch].
        brightness_quartile, contrast_quartile: int64 [batch], 0..3, of the mean and of the standard deviation of an
            image's gray values.
    """
    size = custom_config["image_size"]
    decoded = decode_images(inputs[features.IMAGE], size)
    mean, scale = _measure_channels(decoded)
    # Exact integers: an image whose value is a boundary falls into the same quartile wherever the graph runs.
    gray = tf.reduce_sum(tf.cast(decoded, tf.int64) * _LUMA, axis=-1)  # thousandths, [batch, height, width]
    total = tf.reduce_sum(gray, axis=(1, 2))  # [batch]
    spread = size**2 * tf.reduce_sum(gray**2, axis=(1, 2)) - total**2  # [batch]
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


def decode_images(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes images; of an image with another size, the middle square is resized.

    Args:
        encoded: PNG or any other format that TensorFlow decodes, string [batch].
        size: Height and width of the results, pixels.

    Returns:
        uint8 [batch, size, size, 3].
    """
    shape = (size, size, features.CHANNELS)

    def decode(image: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_image(image, channels=features.CHANNELS, expand_animations=False)
        fits = tf.reduce_all(tf.shape(pixels)[:2] == size)
        return tf.ensure_shape(tf.cond(fits, lambda: pixels, lambda: _resize_middle(pixels, size)), shape)

    decoded = tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))
    return tf.ensure_shape(decoded, (None, *shape), name=features.DECODED_IMAGES)


def _resize_middle(pixels: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes the shorter side of an image, uint8 [height, width, channels], and crops the middle square."""
    height, width = tf.unstack(tf.shape(pixels)[:2])
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]  # without the assertions of `tf.image`, which are stateful
    resized = tf.image.resize(square, (size, size), tf.image.ResizeMethod.BICUBIC, antialias=True)
    return tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)
