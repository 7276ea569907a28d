"""Metrics against numbers worked out by hand."""

import numpy as np
import pytest
from sample_slice import SAMPLE
from scored_images import measure_slices

from components.artifacts.predictions import Predictions
from components.artifacts.verdict import Scorecard
from components.evaluator.counts import CANDIDATE
from components.evaluator.scorecard import score
from components.image_dataset import CIFAR10


def answer(label: int, probability: float) -> list[float]:
    """Gives a class a probability and shares out the rest, falling from class to class."""
    others = np.arange(9, 0, -1) / 45 * (1 - probability)
    return np.insert(others, label, probability).tolist()


def make_predictions(labels: list[int], probabilities: list[list[float]], brightness: list[int]) -> Predictions:
    """Makes predictions of one model, all images in the lowest quarter of contrast."""
    return Predictions(
        ids=np.arange(len(labels)).astype(str),
        labels=np.array(labels),
        brightness_quartile=np.array(brightness),
        contrast_quartile=np.zeros(len(labels), int),
        candidate=np.array(probabilities, np.float32),
        baseline=None,
    )


@pytest.fixture(scope="module")
def card() -> Scorecard:
    """Four cats, two of them predicted right, one as a dog and one as an airplane; two dogs, both right.

    In two batches, as Beam adds them up.
    """
    probabilities = [answer(3, 0.9), answer(3, 0.5), answer(5, 0.9), answer(0, 0.8), answer(5, 0.7), answer(5, 0.7)]
    labels, brightness = [3, 3, 3, 3, 5, 5], [0, 0, 3, 3, 3, 3]
    batches = [
        make_predictions(labels[part], probabilities[part], brightness[part]) for part in (slice(4), slice(4, 6))
    ]
    return score(measure_slices(batches), CANDIDATE, CIFAR10.class_names)


def test_shares_of_all_images(card: Scorecard) -> None:
    assert card.images == 6
    assert card.overall.accuracy.value == pytest.approx(4 / 6)
    # The cat taken for a dog has rank 5 (dog, airplane, automobile, bird); that for an airplane has rank 4.
    assert card.overall.top_5_accuracy.value == 1


def test_balanced_accuracy_and_macro_f1_are_means_over_the_classes_that_have_images(card: Scorecard) -> None:
    # Two of four cats and both dogs are right; one cat is taken for a dog, and one for an airplane.
    assert card.overall.balanced_accuracy.value == pytest.approx((2 / 4 + 2 / 2) / 2)
    assert card.overall.macro_f1.value == pytest.approx((2 * 2 / (4 + 2) + 2 * 2 / (2 + 3)) / 2)
    assert card.overall.balanced_accuracy.low < 0.7
    assert card.overall.balanced_accuracy.high == pytest.approx(1)


def test_cross_entropy_is_the_mean_of_minus_the_logarithms(card: Scorecard) -> None:
    of_label = [0.9, 0.5, 6 / 45 * 0.1, 7 / 45 * 0.2, 0.7, 0.7]
    assert card.overall.cross_entropy.value == pytest.approx(-np.log(of_label).mean(), rel=1e-5)
    assert card.overall.cross_entropy.low < card.overall.cross_entropy.value < card.overall.cross_entropy.high


def test_calibration_error_compares_confidence_and_accuracy_bin_by_bin(card: Scorecard) -> None:
    """Bins of 1/15: at 0.9 one of two is right, at 0.5 one of one, at 0.8 none of one, at 0.7 two of two."""
    expected = (abs(1 - 2 * 0.9) + abs(1 - 0.5) + abs(0 - 0.8) + abs(2 - 2 * 0.7)) / 6
    assert card.overall.expected_calibration_error.value == pytest.approx(expected, rel=1e-5)
    assert [(found.images, round(15 * found.high)) for found in card.calibration] == [(1, 8), (2, 11), (1, 13), (2, 14)]
    assert [found.accuracy.value for found in card.calibration] == [1, 1, 0, 0.5]
    assert [found.confidence for found in card.calibration] == pytest.approx([0.5, 0.7, 0.8, 0.9])
    assert card.mean_confidence == pytest.approx((2 * 0.9 + 0.5 + 0.8 + 2 * 0.7) / 6)


def test_the_confusion_matrix_has_actual_labels_as_rows(card: Scorecard) -> None:
    expected = np.zeros((10, 10), int)
    expected[3, [3, 5, 0]] = 2, 1, 1
    expected[5, 5] = 2
    assert np.array_equal(card.confusion, expected)


def test_slices_have_names_and_labels_precision_and_recall(card: Scorecard) -> None:
    found = {piece.name: piece for piece in card.slices}
    assert list(found) == ["cat", "dog", "darkest quarter", "brightest quarter", "lowest contrast quarter"]
    cat, dog = found["cat"], found["dog"]
    assert cat.precision is not None
    assert dog.precision is not None
    assert (cat.images, cat.accuracy.value, cat.precision.value) == (4, 0.5, 1)
    assert (dog.images, dog.accuracy.value, dog.precision.value) == (2, 1, pytest.approx(2 / 3))
    assert cat.recall == cat.accuracy
    assert (found["darkest quarter"].images, found["darkest quarter"].accuracy.value) == (2, 1)
    assert (found["brightest quarter"].images, found["brightest quarter"].accuracy.value) == (4, 0.5)
    assert found["brightest quarter"].precision is None


def test_a_label_that_was_never_predicted_has_no_precision() -> None:
    card = score(measure_slices([make_predictions([1], [answer(2, 0.6)], [0])]), CANDIDATE, CIFAR10.class_names)
    assert card.slices[0].precision is None
    assert card.slices[0].recall is not None


def test_class_names_are_those_of_the_dataset() -> None:
    assert (SAMPLE / "label.labels.txt").read_text().split() == list(CIFAR10.class_names)
