"""The Transform graph computes what numpy computes, wherever it runs.

Axes: batch, height, width, channels.
"""

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from components import features
from components.transform import decode_images


@pytest.fixture(scope="module")
def transformed(analyzed: Any) -> dict[str, np.ndarray]:
    """The sample as Beam transforms it, in the order of the sample."""
    rows = analyzed[0]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def encode(pixels: np.ndarray, image_format: str = "PNG") -> bytes:
    """Encodes one image."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, image_format)
    return buffer.getvalue()


def rank_quartiles(values: np.ndarray) -> np.ndarray:
    """Returns 0 for the lowest fourth of the values, 3 for the highest."""
    assert len(set(values)) == len(values)
    return values.argsort().argsort() * 4 // len(values)


def test_the_mean_is_exact_so_that_no_order_of_summing_changes_a_pixel(
    transformed: dict[str, np.ndarray], sample: Any
) -> None:
    values = sample.pixels.astype(np.int64)
    count = values[..., 0].size
    mean = values.sum(axis=(0, 1, 2)) / count
    scale = 1 / np.sqrt((values**2).sum(axis=(0, 1, 2)) / count - mean**2)
    expected = (sample.pixels.astype(np.float32) - mean.astype(np.float32)) * scale.astype(np.float32)
    np.testing.assert_array_equal(transformed[features.IMAGE], expected)


def test_labels_pass_unchanged_and_nothing_else_comes_out(transformed: dict[str, np.ndarray], sample: Any) -> None:
    np.testing.assert_array_equal(transformed[features.LABEL], sample.labels)
    assert set(transformed) == {
        features.IMAGE,
        features.LABEL,
        features.BRIGHTNESS_QUARTILE,
        features.CONTRAST_QUARTILE,
    }


def test_quartiles_rank_brightness_and_contrast_among_the_train_images(
    transformed: dict[str, np.ndarray], sample: Any
) -> None:
    gray = sample.pixels / 255 @ [0.2989, 0.587, 0.114]  # ITU-R 601-2 luma
    brightness, contrast = gray.mean(axis=(1, 2)), gray.std(axis=(1, 2))
    np.testing.assert_array_equal(transformed[features.BRIGHTNESS_QUARTILE], rank_quartiles(brightness))
    np.testing.assert_array_equal(transformed[features.CONTRAST_QUARTILE], rank_quartiles(contrast))


@pytest.mark.parametrize("place", ["eager", "tf.data"])
def test_the_graph_computes_the_same_eagerly_and_in_tf_data(
    transformed: dict[str, np.ndarray], sample: Any, transform: Any, place: str
) -> None:
    raw = tf.io.parse_example(sample.records, transform.raw_feature_spec())
    layer = transform.transform_features_layer()
    in_tf_data = tf.data.Dataset.from_tensor_slices(raw).batch(7).map(layer)
    batches = [layer(raw)] if place == "eager" else list(in_tf_data)
    computed = {name: np.concatenate([batch[name] for batch in batches]) for name in transformed}
    np.testing.assert_allclose(computed.pop(features.IMAGE), transformed[features.IMAGE], atol=1e-6)
    for name, values in computed.items():
        np.testing.assert_array_equal(values, transformed[name], err_msg=name)


def test_what_was_learned_from_the_train_images_holds_for_others(sample: Any, transform: Any) -> None:
    black, white = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    others = transform.transform_features_layer()({features.IMAGE: tf.constant([encode(black), encode(white)])})
    scaled = sample.pixels / 255
    mean, deviation = scaled.mean(axis=(0, 1, 2)), scaled.std(axis=(0, 1, 2))
    expected = np.broadcast_to(np.stack([-mean, 1 - mean])[:, None, None] / deviation, (2, 32, 32, 3))
    np.testing.assert_allclose(others[features.IMAGE], expected, atol=1e-5)
    np.testing.assert_array_equal(others[features.BRIGHTNESS_QUARTILE], [0, 3])
    np.testing.assert_array_equal(others[features.CONTRAST_QUARTILE], [0, 0])


def test_decoding_gives_back_every_pixel_in_the_order_of_the_batch(sample: Any) -> None:
    encoded = tf.constant([row[features.IMAGE] for row in sample.rows])
    decoded = decode_images(encoded, 32)
    assert decoded.dtype == tf.uint8
    np.testing.assert_array_equal(decoded, sample.pixels)
    assert decode_images(encoded[:0], 32).shape == (0, 32, 32, 3)


def test_a_grey_image_gets_three_equal_channels() -> None:
    gray = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
    np.testing.assert_array_equal(decode_images(tf.constant([encode(gray)]), 32)[0], np.stack([gray] * 3, axis=-1))


@pytest.mark.parametrize(("height", "width"), [(16, 40), (80, 64), (28, 28)])
def test_the_middle_square_of_an_image_of_another_size_is_resized_as_pillow_does(height: int, width: int) -> None:
    draw = np.random.default_rng(1)
    small = PIL.Image.fromarray(draw.integers(0, 256, (8, 8, 3), np.uint8))
    image = small.resize((width, height), PIL.Image.Resampling.BILINEAR)
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    expected = np.array(square.resize((32, 32), PIL.Image.Resampling.BICUBIC), int)
    same = np.zeros((32, 32, 3), np.uint8)
    decoded = decode_images(tf.constant([encode(np.array(image)), encode(same)]), 32).numpy()
    np.testing.assert_allclose(decoded[0], expected, atol=2)
    np.testing.assert_array_equal(decoded[1], same)
