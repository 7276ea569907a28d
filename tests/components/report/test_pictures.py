"""Test images and attention maps."""

import io

import numpy as np
import PIL.Image

from components.artifacts.predictions import Predictions
from components.report import pictures
from components.report.sources import Sources


def test_attention_maps_of_images_that_are_found_by_their_ids(sources: Sources, predictions: Predictions) -> None:
    assert sources.examples
    assert sources.model
    test_split = sources.examples / "Split-test"
    wanted = [str(predictions.ids[3]), str(predictions.ids[150]), "test_99999"]
    found = pictures.read_records(test_split, wanted)
    assert list(found) == wanted[:2]
    assert PIL.Image.open(io.BytesIO(found[wanted[0]][1])).size == (32, 32)
    attention = pictures.read_attention(sources.model, test_split, {wanted[0]: found[wanted[0]][0]})
    assert attention is not None
    assert attention.maps[wanted[0]].shape == (4, 8, 8)
    assert attention.mean_images == 200
    np.testing.assert_allclose(attention.effective_patches, [8] * 4)
    np.testing.assert_array_equal(attention.mean[2], np.tile(np.eye(8)[2], (8, 1)))


def test_the_greater_the_weight_of_a_patch_the_warmer_it_is_on_a_scale_from_zero() -> None:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (32, 32), (100, 100, 100)).save(buffer, "PNG")
    weights = np.zeros((2, 8, 8), np.float32)
    weights[0, :, :3] = 0.25
    weights[0, :, 6:] = 0.125
    weights[1] = np.linspace(0.99, 1, 64).reshape(8, 8)
    columns, equal = (tile.astype(int) for tile in pictures.draw_attention(weights, buffer.getvalue()))
    assert columns.shape == (192, 192, 3)
    left, middle, right = (columns[:, part].mean(axis=(0, 1)) for part in (slice(0, 60), 108, slice(168, 192)))
    yellow = (214, 216, 148)  # three quarters of inferno's last color, one of gray
    np.testing.assert_allclose(left, yellow, atol=8)
    np.testing.assert_allclose(middle, (100, 100, 100), atol=8)
    np.testing.assert_allclose(right, (147, 73, 91), atol=12)  # half of the greatest weight: red
    np.testing.assert_allclose(equal, np.tile(yellow, (192, 192, 1)), atol=12)
    encoded = np.asarray(PIL.Image.open(io.BytesIO(pictures.encode_jpeg(columns.astype(np.uint8))))).astype(int)
    assert np.abs(encoded - columns).mean() < 4


def test_effective_patches_count_the_patches_that_a_token_weighs() -> None:
    maps = np.zeros((2, 3, 8, 8), np.float32)
    maps[:, 0] = 0.7  # a plain average
    maps[:, 1, 4, 4] = 0.2  # a single patch
    maps[0, 2, :, :4] = 0.3  # half of them, then all
    maps[1, 2] = 1
    np.testing.assert_allclose(pictures.count_effective_patches(maps), [64, 1, 48])
