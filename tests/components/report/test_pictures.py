"""Test images and attention maps."""

import io

import numpy as np
import PIL.Image
import pytest

from components.evaluator.verdict import Predictions
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
    np.testing.assert_array_equal(attention.mean[2], np.tile(np.eye(8)[2], (8, 1)))


def test_the_glow_lies_where_the_weights_are() -> None:
    weights = np.zeros((1, 8, 8), np.float32)
    weights[0, :, :4] = 0.25  # the left half
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (32, 32), (90, 90, 90)).save(buffer, "PNG")
    [png] = pictures.draw_attention(weights, buffer.getvalue())
    pixels = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).astype(int)  # [height, width, channels]
    left, right = pixels[:, :24].mean(axis=(0, 1)), pixels[:, 40:].mean(axis=(0, 1))
    assert left[0] - left[2] > 80  # orange
    assert abs(right[0] - right[2]) < 5  # grey


@pytest.mark.parametrize(("weights", "scaled"), [([0.1, 0.2, 0.3], [0, 0.5, 1]), ([0.2, 0.2, 0.2], [0, 0, 0])])
def test_weights_are_scaled_by_their_own_span(weights: list[float], scaled: list[float]) -> None:
    np.testing.assert_allclose(pictures.scale_weights(np.array(weights)), scaled)
