"""Metrics of one model on the test split, with 95% intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from components.artifacts.verdict import Bin, Measure, Overall, Scorecard, Slice, SliceFeature
from components.evaluator.counts import CALIBRATION_BINS, TOP_K, Metrics, SliceKey
from components.evaluator.intervals import measure_balance, measure_calibration_error, measure_mean, measure_share

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


def score(slices: Mapping[SliceKey, Metrics], model: str, class_names: Sequence[str], min_images: int = 0) -> Scorecard:
    """Puts the metrics of one model together.

    Args:
        slices: Metrics of the test split.
        model: Name of the model.
        class_names: By label.
        min_images: Quartiles with fewer images are left out.

    Returns:
        The metrics with Wilson's intervals for shares.
    """
    metrics = {name: value for (owner, name), value in slices[()].items() if owner == model}
    images, confusion = int(metrics["example_count"]), metrics["confusion_matrix"].astype(int)
    balanced, macro_f1 = measure_balance(confusion)
    return Scorecard(
        images=images,
        overall=Overall(
            accuracy=measure_rate(metrics["accuracy"], images),
            balanced_accuracy=balanced,
            macro_f1=macro_f1,
            top_5_accuracy=measure_rate(metrics[f"top_{TOP_K}_accuracy"], images),
            cross_entropy=measure_mean(
                float(metrics["cross_entropy"]), float(metrics["squared_cross_entropy"]), images
            ),
            expected_calibration_error=measure_calibration_error(metrics["calibration"]),
        ),
        slices=(*_score_classes(confusion, class_names), *_score_quartiles(slices, model, min_images)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        calibration=tuple(_score_bins(metrics["calibration"])),
    )


def measure_rate(rate: np.ndarray, images: int) -> Measure:
    """Measures a share of images, which TFMA keeps as a quotient."""
    return measure_share(round(float(rate) * images), images)


def _score_classes(confusion: np.ndarray, class_names: Sequence[str]) -> Iterator[Slice]:
    """Measures each class; given how often it was predicted, its precision is a share like any other."""
    for label, name in enumerate(class_names):
        hits, images, predicted = (
            int(n) for n in (confusion[label, label], confusion[label].sum(), confusion[:, label].sum())
        )
        if images:
            recall = measure_share(hits, images)
            yield Slice(
                feature="label",
                value=label,
                name=name,
                images=images,
                accuracy=recall,
                precision=measure_share(hits, predicted) if predicted else None,
                recall=recall,
            )


def _score_quartiles(slices: Mapping[SliceKey, Metrics], model: str, min_images: int) -> Iterator[Slice]:
    for feature, names in _QUARTILE_NAMES.items():
        for quartile, name in enumerate(names):
            metrics = slices.get(((feature, quartile),), {})
            images = int(metrics.get((model, "example_count"), 0))
            if images and images >= min_images:
                accuracy = measure_rate(metrics[model, "accuracy"], images)
                yield Slice(feature=feature, value=quartile, name=name, images=images, accuracy=accuracy)


def _score_bins(calibration: np.ndarray) -> Iterator[Bin]:
    """Measures the bins of confidence that hold images, [bins, 4]."""
    for position, (images, right, confidence, _) in enumerate(calibration.tolist()):
        if images:
            yield Bin(
                low=position / CALIBRATION_BINS,
                high=(position + 1) / CALIBRATION_BINS,
                images=int(images),
                confidence=confidence / images,
                accuracy=measure_share(int(right), int(images)),
            )
