"""What the models answered on the test split: calibration, and which images are worth a look.

Axes: images, classes.
"""

import dataclasses

import numpy as np

from components.evaluator.intervals import measure_share
from components.evaluator.verdict import Measure, Predictions

CALIBRATION_BINS = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bin:
    """The images whose likeliest class got a probability between two bounds."""

    low: float
    high: float
    images: int
    confidence: float  # mean probability of the likeliest class, 0..1
    accuracy: Measure  # 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Positions of images that are worth a look, the most telling first."""

    right: tuple[int, ...]  # the surest among those that the model got right
    wrong: tuple[int, ...]  # the surest among those that it got wrong
    uncertain: tuple[int, ...]  # those whose two likeliest classes are closest


def bin_confidences(probabilities: np.ndarray, labels: np.ndarray) -> tuple[Bin, ...]:
    """Sorts images by how sure the model is, to hold that against how often it is right.

    Args:
        probabilities: [images, classes].
        labels: [images].

    Returns:
        Equally wide bins between 0 and 1, without those that are empty.
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return tuple(
        Bin(
            low=n / CALIBRATION_BINS,
            high=(n + 1) / CALIBRATION_BINS,
            images=int(inside.sum()),
            confidence=float(confidences[inside].mean()),
            accuracy=measure_share(int(correct[inside].sum()), int(inside.sum())),
        )
        for n in range(CALIBRATION_BINS)
        if (inside := bins == n).any()
    )


def select_images(probabilities: np.ndarray, labels: np.ndarray, count: int) -> Selection:
    """Picks images of as many classes as possible.

    Args:
        probabilities: [images, classes].
        labels: [images].
        count: Of each sort, at most.

    Returns:
        Their positions; equals stand in the order of the images.
    """
    ranked = np.sort(probabilities, axis=1)
    confidences, margins = ranked[:, -1], ranked[:, -1] - ranked[:, -2]
    correct = probabilities.argmax(axis=1) == labels
    by_confidence = np.argsort(-confidences, kind="stable")
    return Selection(
        right=_pick(by_confidence[correct[by_confidence]], labels, count),
        wrong=_pick(by_confidence[~correct[by_confidence]], labels, count),
        uncertain=_pick(np.argsort(margins, kind="stable"), labels, count),
    )


def _pick(order: np.ndarray, labels: np.ndarray, count: int) -> tuple[int, ...]:
    """Takes the first of each class before the second of any."""
    seen: dict[int, int] = {}
    turns = []
    for rank, position in enumerate(order.tolist()):
        label = int(labels[position])
        turns.append((seen.get(label, 0), rank, position))
        seen[label] = seen.get(label, 0) + 1
    return tuple(position for *_, position in sorted(turns)[:count])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flips:
    """Positions of images on which candidate and baseline differ, the candidate's surest answers first."""

    lost: tuple[int, ...]  # only the baseline got them right
    gained: tuple[int, ...]  # only the candidate did


def find_flips(predictions: Predictions) -> Flips | None:
    """Finds the images that one model got right and the other wrong.

    Args:
        predictions: Of both.

    Returns:
        Their positions; None without a baseline.
    """
    if predictions.baseline is None:
        return None
    right = predictions.candidate.argmax(axis=1) == predictions.labels
    baseline_right = predictions.baseline.argmax(axis=1) == predictions.labels
    order = np.argsort(-predictions.candidate.max(axis=1), kind="stable")
    return Flips(
        lost=tuple(order[(~right & baseline_right)[order]].tolist()),
        gained=tuple(order[(right & ~baseline_right)[order]].tolist()),
    )
