"""Calibration and the choice of images, by value."""

import numpy as np
import pytest

from components.evaluator.verdict import Predictions
from components.report.answers import bin_confidences, find_flips, select_images


def _answers(*rows: tuple[int, float]) -> np.ndarray:
    """Makes probabilities out of a class and its probability; the rest is spread over the other two classes."""
    answers = np.empty((len(rows), 3), np.float32)
    for row, (likeliest, probability) in zip(answers, rows, strict=True):
        row[:] = (1 - probability) / 2
        row[likeliest] = probability
    return answers


def test_bins_hold_confidence_against_accuracy() -> None:
    answers = _answers((0, 0.62), (1, 0.68), (2, 0.95), (0, 1.0))
    low, high = bin_confidences(answers, np.array([0, 0, 2, 0]))
    assert (low.low, low.high, low.images) == (0.6, 0.7, 2)
    assert low.confidence == pytest.approx(0.65)
    assert low.accuracy.value == 0.5
    assert (high.low, high.images, high.accuracy.value) == (0.9, 2, 1.0)
    assert high.accuracy.low == pytest.approx(2 / (2 + 1.959964**2))  # Wilson, all right


def test_the_surest_right_and_wrong_and_the_least_sure_images_are_picked_class_by_class() -> None:
    labels = np.array([0, 0, 1, 0, 1, 2])
    answers = _answers((0, 0.9), (0, 0.8), (1, 0.7), (2, 0.95), (2, 0.6), (2, 0.4))
    selection = select_images(answers, labels, 2)
    assert selection.right == (0, 2)  # not 1, which is of the class that 0 stands for
    assert selection.wrong == (3, 4)
    assert selection.uncertain == (5, 4)


def test_equal_images_stand_in_their_order_and_there_may_be_fewer() -> None:
    selection = select_images(_answers((0, 0.5), (0, 0.5), (0, 0.5)), np.array([0, 0, 0]), 5)
    assert selection.right == (0, 1, 2)
    assert selection.wrong == ()


def test_flips_tell_which_model_alone_was_right_surest_first() -> None:
    candidate = _answers((0, 0.5), (0, 0.9), (1, 0.8), (1, 0.6), (2, 0.9))
    baseline = _answers((1, 0.5), (1, 0.5), (1, 0.5), (0, 0.5), (2, 0.5))
    labels = np.array([1, 1, 1, 1, 2])
    predictions = Predictions(
        ids=np.array(list("abcde")),
        labels=labels,
        brightness_quartile=labels,
        contrast_quartile=labels,
        candidate=candidate,
        baseline=baseline,
    )
    flips = find_flips(predictions)
    assert flips is not None
    assert (flips.lost, flips.gained) == ((1, 0), (3,))
