"""Metrics of one model on the test split, with intervals, from what it answered for each image.

Axes: images, classes, bins.
"""

import numpy as np

from components import features
from components.evaluator.intervals import measure_by_bootstrap, measure_share
from components.evaluator.verdict import Measure, Overall, Predictions, Scorecard, Slice, SliceFeature

TOP_K = 5
CALIBRATION_BINS = 15  # as in Guo et al.

_SMALLEST_PROBABILITY = 1e-7  # where Keras, and so TFMA, clips before the logarithm
_QUARTILE_NAMES: dict[SliceFeature, tuple[str, ...]] = {
    "brightness_quartile": (
        "darkest quarter",
        "second darkest quarter",
        "second brightest quarter",
        "brightest quarter",
    ),
    "contrast_quartile": (
        "lowest contrast quarter",
        "second lowest contrast quarter",
        "second highest contrast quarter",
        "highest contrast quarter",
    ),
}


def find_correct(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Tells which images a model got right.

    Args:
        probabilities: [images, classes].
        labels: [images].

    Returns:
        bool [images].
    """
    return probabilities.argmax(axis=1) == labels


def score(probabilities: np.ndarray, truth: Predictions) -> Scorecard:
    """Measures one model.

    Args:
        probabilities: What it answered, float32 [images, classes].
        truth: Labels and quartiles of the same images.

    Returns:
        Its metrics; Wilson's intervals for shares, one bootstrap for the others.
    """
    confusion = count_confusion(probabilities.argmax(axis=1), truth.labels)
    return Scorecard(
        images=len(truth.labels),
        overall=_score_overall(probabilities, truth.labels),
        slices=(*_score_labels(confusion), *_score_quartiles(find_correct(probabilities, truth.labels), truth)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def count_confusion(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts images by actual and predicted label.

    Args:
        predicted: Labels, [images].
        labels: The actual ones, [images].

    Returns:
        int64 [classes, classes]; rows are actual labels.
    """
    classes = features.NUM_CLASSES
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _score_overall(probabilities: np.ndarray, labels: np.ndarray) -> Overall:
    images = len(labels)
    of_label = probabilities[np.arange(images), labels]  # [images]
    ranks = (probabilities > of_label[:, None]).sum(axis=1)  # [images]; 0: no class is more probable
    correct = find_correct(probabilities, labels)
    cross_entropy, calibration_error = _bootstrap_losses(probabilities, of_label, correct)
    return Overall(
        accuracy=measure_share(int(correct.sum()), images),
        top_5_accuracy=measure_share(int((ranks < TOP_K).sum()), images),
        cross_entropy=cross_entropy,
        expected_calibration_error=calibration_error,
    )


def _bootstrap_losses(probabilities: np.ndarray, of_label: np.ndarray, correct: np.ndarray) -> list[Measure]:
    """Measures cross-entropy and expected calibration error.

    The calibration error is the mean, weighted by images, over equal bins of confidence, of the distance between mean
    confidence and accuracy. TFMA and Keras have none for several classes.

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """
    losses = -np.log(np.clip(of_label.astype(np.float64), _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY))
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)  # (low, high]
    gaps = np.zeros((len(of_label), CALIBRATION_BINS))  # [images, bins]
    gaps[np.arange(len(of_label)), bins] = correct - confidence

    def combine(means: np.ndarray) -> np.ndarray:
        return np.stack([means[..., 0], np.abs(means[..., 1:]).sum(axis=-1)], axis=-1)

    return measure_by_bootstrap(np.column_stack([losses, gaps]), combine, smallest=0.0)


def _score_labels(confusion: np.ndarray) -> list[Slice]:
    """Measures each label; given how often it was predicted, its precision is a share like any other."""
    slices = []
    for label, name in enumerate(features.CLASS_NAMES):
        hits, images, predicted = (
            int(n) for n in (confusion[label, label], confusion[label].sum(), confusion[:, label].sum())
        )
        if images:
            recall = measure_share(hits, images)
            precision = measure_share(hits, predicted) if predicted else None
            slices.append(
                Slice(
                    feature="label",
                    value=label,
                    name=name,
                    images=images,
                    accuracy=recall,
                    precision=precision,
                    recall=recall,
                )
            )
    return slices


def _score_quartiles(correct: np.ndarray, truth: Predictions) -> list[Slice]:
    slices = []
    for feature, names in _QUARTILE_NAMES.items():
        quartiles = getattr(truth, feature)
        for quartile, name in enumerate(names):
            inside = correct[quartiles == quartile]
            if len(inside):
                accuracy = measure_share(int(inside.sum()), len(inside))
                slices.append(Slice(feature=feature, value=quartile, name=name, images=len(inside), accuracy=accuracy))
    return slices
