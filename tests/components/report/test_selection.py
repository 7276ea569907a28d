"""The selection of test images, by value."""

import numpy as np
import pytest

from components.artifacts.predictions import Predictions
from components.report import selection
from components.report.selection import Prediction, select_images


def _predict(*rows: tuple[int, float]) -> np.ndarray:
    """Makes probabilities from a class and its probability; the other two classes share the rest."""
    predictions = np.empty((len(rows), 3), np.float32)
    for row, (predicted, probability) in zip(predictions, rows, strict=True):
        row[:] = (1 - probability) / 2
        row[predicted] = probability
    return predictions


def _cut(
    labels: list[int], candidate: np.ndarray, baseline: np.ndarray | None = None, size: int = 2
) -> list[Predictions]:
    """Makes batches of images with letters as ids."""
    ids, numbers = np.array(list("abcdef")[: len(labels)]), np.array(labels)
    return [
        Predictions(
            ids=ids[part],
            labels=numbers[part],
            brightness_quartile=numbers[part],
            contrast_quartile=numbers[part],
            candidate=candidate[part],
            baseline=None if baseline is None else baseline[part],
        )
        for part in (slice(begin, begin + size) for begin in range(0, len(labels), size))
    ]


def _ids(images: tuple[Prediction, ...]) -> str:
    return "".join(image.example_id for image in images)


@pytest.mark.parametrize("size", [1, 2, 6], ids="batches of {}".format)
def test_the_most_and_the_least_confident_images_are_selected_class_by_class(size: int) -> None:
    candidate = _predict((0, 0.9), (0, 0.8), (1, 0.7), (2, 0.95), (2, 0.6), (2, 0.4))
    found = select_images(_cut([0, 0, 1, 0, 1, 2], candidate, size=size), 2)
    assert _ids(found.right) == "ac"  # not b, which is of the class of a
    assert _ids(found.wrong) == "de"
    assert _ids(found.uncertain) == "fe"
    assert (found.lost, found.gained) == ((), ())
    assert found.ids == list("acdef")
    assert (found.wrong[0].label, found.wrong[0].baseline) == (0, None)
    np.testing.assert_array_equal(found.wrong[0].candidate, candidate[3])


def test_equal_images_are_ordered_by_id() -> None:
    batches = _cut([0, 0, 0], _predict((0, 0.5), (0, 0.5), (0, 0.5)))
    assert _ids(select_images(batches[::-1], 5).right) == "abc"
    assert select_images(batches, 5).wrong == ()


def test_flips_are_images_on_which_one_model_alone_is_right_most_confident_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    candidate = _predict((0, 0.5), (0, 0.9), (1, 0.8), (1, 0.6), (2, 0.9), (0, 0.7))
    baseline = _predict((1, 0.5), (1, 0.5), (1, 0.5), (0, 0.5), (2, 0.5), (1, 0.5))
    batches = _cut([1, 1, 1, 1, 2, 1], candidate, baseline)
    found = select_images(batches, 1)
    assert (_ids(found.lost), _ids(found.gained)) == ("bfa", "d")
    monkeypatch.setattr(selection, "FLIPS", 2)
    assert _ids(select_images(batches, 1).lost) == "bf"
