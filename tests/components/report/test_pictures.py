"""Test images and attention maps."""

import io

import numpy as np
import PIL.Image

from components.artifacts.predictions import Predictions
from components.report import pictures
from components.report.sources import Sources


def test_images_are_found_by_their_ids(sources: Sources, predictions: Predictions) -> None:
    assert sources.test_split is not None
    wanted = [str(predictions.ids[3]), str(predictions.ids[150]), "test_99999"]
    found = pictures.read_records(sources.test_split, wanted)
    assert list(found) == wanted[:2]
    assert PIL.Image.open(io.BytesIO(found[wanted[0]][1])).size == (32, 32)


def test_maps_come_from_the_exported_model(sources: Sources, predictions: Predictions) -> None:
    assert sources.model is not None
    assert sources.test_split is not None
    name = str(predictions.ids[0])
    records = {name: pictures.read_records(sources.test_split, [name])[name][0]}
    attention = pictures.read_attention(sources.model, sources.test_split, records)
    assert attention is not None
    assert attention.maps[name].shape == (4, 8, 8)
    assert attention.mean_images == 200
    np.testing.assert_allclose(attention.effective_patches, [8] * 4)
    np.testing.assert_array_equal(attention.mean[2], np.tile(np.eye(8)[2], (8, 1)))


def _draw(weights: np.ndarray) -> np.ndarray:
    """Draws one token over a plain red image; returns it, int [height, width, channels]."""
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (32, 32), (200, 50, 50)).save(buffer, "PNG")
    [png] = pictures.draw_attention(weights[np.newaxis].astype(np.float32), buffer.getvalue())
    return np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_patches_go_dark_as_far_as_they_weigh_less() -> None:
    weights = np.zeros((8, 8))
    weights[:, :3] = 0.25
    weights[:, 6:] = 0.125
    pixels = _draw(weights)
    left, middle, right = (pixels[:, columns].mean(axis=(0, 1)) for columns in (slice(0, 20), 36, slice(56, 64)))
    np.testing.assert_allclose(left, (200, 50, 50), atol=8)
    np.testing.assert_allclose(middle, (12, 12, 12), atol=8)  # 12 % of the mean brightness, 100
    np.testing.assert_allclose(right, (106, 31, 31), atol=8)


def test_a_token_that_weighs_all_patches_nearly_alike_shows_the_plain_image() -> None:
    np.testing.assert_allclose(
        _draw(np.linspace(0.99, 1, 64).reshape(8, 8)), np.tile((200, 50, 50), (64, 64, 1)), atol=8
    )


def test_effective_patches_count_what_a_token_weighs() -> None:
    maps = np.zeros((2, 3, 8, 8), np.float32)
    maps[:, 0] = 0.7  # a plain average
    maps[:, 1, 4, 4] = 0.2  # a single patch
    maps[0, 2, :, :4] = 0.3  # half of them, then all
    maps[1, 2] = 1
    np.testing.assert_allclose(pictures.count_effective_patches(maps), [64, 1, 48])
