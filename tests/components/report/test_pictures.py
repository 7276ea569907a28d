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


def test_the_lower_the_weight_of_a_patch_the_darker_it_is_on_a_scale_from_zero() -> None:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (32, 32), (200, 50, 50)).save(buffer, "PNG")
    weights = np.zeros((2, 8, 8), np.float32)
    weights[0, :, :3] = 0.25
    weights[0, :, 6:] = 0.125
    weights[1] = np.linspace(0.99, 1, 64).reshape(8, 8)
    columns, plain = (tile.astype(int) for tile in pictures.draw_attention(weights, buffer.getvalue()))
    left, middle, right = (columns[:, part].mean(axis=(0, 1)) for part in (slice(0, 20), 36, slice(56, 64)))
    np.testing.assert_allclose(left, (200, 50, 50), atol=8)
    np.testing.assert_allclose(middle, (12, 12, 12), atol=8)  # 12 % of the mean brightness, 100
    np.testing.assert_allclose(right, (106, 31, 31), atol=8)
    np.testing.assert_allclose(plain, np.tile((200, 50, 50), (64, 64, 1)), atol=8)
    encoded = PIL.Image.open(io.BytesIO(pictures.encode_png(columns.astype(np.uint8)))).convert("RGB")
    np.testing.assert_allclose(np.asarray(encoded).astype(int), columns, atol=8)


def test_effective_patches_count_the_patches_that_a_token_weighs() -> None:
    maps = np.zeros((2, 3, 8, 8), np.float32)
    maps[:, 0] = 0.7  # a plain average
    maps[:, 1, 4, 4] = 0.2  # a single patch
    maps[0, 2, :, :4] = 0.3  # half of them, then all
    maps[1, 2] = 1
    np.testing.assert_allclose(pictures.count_effective_patches(maps), [64, 1, 48])
