"""Metrics of each slice of the test split as sums over its images, so that Beam can add them up in any order.

Axes: images, classes, bins.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from components import features
from components.artifacts.lite_comparison import LITE_NAMES
from components.artifacts.predictions import Predictions

TOP_K = 5
CALIBRATION_BINS = 15  # as in Guo et al.
CANDIDATE, BASELINE = "candidate", "baseline"  # the models' names in TFMA
MEANS = ("accuracy", f"top_{TOP_K}_accuracy", "cross_entropy", "squared_cross_entropy")  # metrics that are means

SliceKey = tuple[tuple[str, int], ...]  # as in TFMA: () for all images, (("label", 3),) for one class
Metrics = dict[tuple[str, str], np.ndarray]  # by model and name; the means are sums over images until they are averaged

_SMALLEST_PROBABILITY = 1e-7  # where Keras, and so TFMA, clips before the logarithm


def count_by_slice(predictions: Predictions) -> Iterator[tuple[SliceKey, Metrics]]:
    """Adds up some images: all of them, those of each class, and those of each quartile of brightness and contrast.

    Args:
        predictions: Of at least one image.

    Yields:
        Key and sums of each slice that has images, float64. For each model: number of images, the sums behind
        `MEANS`, the confusion matrix (actual label by predicted label) [classes, classes], and for each bin of
        confidence the images, those predicted right, and the sums of confidence and of the squared difference of
        both [bins, 4]. Of the candidate and the baseline, and of each TensorFlow Lite model and the candidate, also
        how many images both models, only one of them or neither predict right.
    """
    yield (), _count(predictions, np.ones(len(predictions.labels), bool))
    for feature, values in (
        (features.LABEL, predictions.labels),
        (features.BRIGHTNESS_QUARTILE, predictions.brightness_quartile),
        (features.CONTRAST_QUARTILE, predictions.contrast_quartile),
    ):
        for value in np.unique(values).tolist():
            yield ((feature, value),), _count(predictions, values == value)


def add(sums: Iterable[Metrics]) -> Metrics:
    """Adds the sums over different images of one slice."""
    total: Metrics = {}
    for each in sums:
        for key, value in each.items():
            total[key] = total.get(key, 0) + value
    return total


def average(sums: Metrics) -> Metrics:
    """Divides the sums behind `MEANS` by the number of images."""
    return {
        (model, name): value / sums[model, "example_count"] if name in MEANS else value
        for (model, name), value in sums.items()
    }


def _count(predictions: Predictions, inside: np.ndarray) -> Metrics:
    """Adds up the images that are inside a slice, bool [images]."""
    labels = predictions.labels[inside]
    models = {name: probabilities[inside] for name, probabilities in predictions.models.items()}
    right = {name: predictions.is_right(name)[inside] for name in models}
    found: Metrics = {}
    for name, probabilities in models.items():
        found |= _count_model(name, probabilities, labels)
    for name, other in ((CANDIDATE, BASELINE), *((name, CANDIDATE) for name in LITE_NAMES)):
        if name in right and other in right:
            found |= _count_pair(name, right[name], other, right[other])
    return found


def _count_pair(model: str, right: np.ndarray, other: str, other_right: np.ndarray) -> Metrics:
    """Adds up which of two models predict the label, bool [images] each."""
    paired = {
        "both_right": right & other_right,
        f"only_{model}_right": right & ~other_right,
        f"only_{other}_right": ~right & other_right,
        "neither_right": ~right & ~other_right,
    }
    return {(model, name): np.asarray(images.sum(), np.float64) for name, images in paired.items()}


def _count_model(model: str, probabilities: np.ndarray, labels: np.ndarray) -> Metrics:
    """Adds up what one model predicts.

    Args:
        model: Its name.
        probabilities: float32 [images, classes].
        labels: int64 [images].

    Returns:
        The sums.

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """
    images, classes = np.arange(len(labels)), probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)  # [images]
    right = predicted == labels
    of_label = probabilities[images, labels].astype(np.float64)
    loss = -np.log(np.clip(of_label, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY))
    ranks = (probabilities > probabilities[images, labels][:, None]).sum(axis=1)  # 0: no class is more probable
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)  # (low, high]
    calibration = np.zeros((CALIBRATION_BINS, 4))
    np.add.at(calibration, bins, np.stack([np.ones_like(loss), right, confidence, (right - confidence) ** 2], axis=1))
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    sums = {
        "example_count": np.float64(len(labels)),
        **dict(zip(MEANS, map(np.sum, (right, ranks < TOP_K, loss, loss**2)), strict=True)),
        "confusion_matrix": confusion.astype(np.float64),
        "calibration": calibration,
    }
    return {(model, name): np.asarray(value, np.float64) for name, value in sums.items()}
