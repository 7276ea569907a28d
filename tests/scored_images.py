"""Predictions for test images, and the verdict on them, without a model."""

import pathlib
from collections.abc import Iterable

import numpy as np
import pyarrow.parquet as pq

from components.artifacts.predictions import PREDICTIONS_PREFIX, Predictions, to_table
from components.artifacts.verdict import Verdict
from components.evaluator.config import EvaluationConfig
from components.evaluator.counts import Metrics, SliceKey, add, average, count_by_slice
from components.evaluator.rules import judge
from components.image_dataset import CIFAR10
from pipeline.config import QUICK

NO_THRESHOLDS = EvaluationConfig(
    min_accuracy=0, max_accuracy_drop=1, max_class_accuracy_drop=1, min_slice_images=1, max_mmacs=None
)


def predict(labels: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Makes probabilities of 0.73 for the label, or for the class behind it; float32 [images, classes]."""
    predictions = np.full((len(labels), len(CIFAR10.class_names)), 0.03, np.float32)
    predictions[np.arange(len(labels)), np.where(right, labels, (labels + 1) % len(CIFAR10.class_names))] = 0.73
    return predictions


def score_images(right: np.ndarray, baseline_right: np.ndarray | None = None) -> Predictions:
    """Makes the predictions of models that are right on some images, bool [images]; the classes come in turn."""
    labels = np.arange(len(right)) % len(CIFAR10.class_names)
    return Predictions(
        ids=np.array([f"test_{n:05d}" for n in range(len(right))]),
        labels=labels,
        brightness_quartile=labels % 4,
        contrast_quartile=labels // 3,
        candidate=predict(labels, right),
        baseline=None if baseline_right is None else predict(labels, baseline_right),
    )


def score_split(split: pathlib.Path, saved_model: pathlib.Path) -> Predictions:
    """Scores the images of a split with an exported model, as the Evaluator does but in one batch."""
    import tensorflow as tf

    from components.evaluator.scoring import ScoreBatch

    scorer = ScoreBatch({"candidate": str(saved_model)}, {}, 32)
    scorer.setup()
    files = [str(file) for file in split.iterdir()]
    [predictions] = scorer.process(list(tf.data.TFRecordDataset(files).as_numpy_iterator()))
    return predictions


def measure_slices(batches: Iterable[Predictions]) -> dict[SliceKey, Metrics]:
    """Measures the slices of the test split as the Evaluator does with Beam."""
    sums: dict[SliceKey, list[Metrics]] = {}
    for batch in batches:
        for key, found in count_by_slice(batch):
            sums.setdefault(key, []).append(found)
    return {key: average(add(found)) for key, found in sums.items()}


def judge_predictions(predictions: Predictions, macs: int, thresholds: EvaluationConfig = NO_THRESHOLDS) -> Verdict:
    """Judges as the Evaluator does."""
    return judge(measure_slices([predictions]), macs, thresholds, QUICK.task)


def write_predictions(predictions: Predictions, folder: pathlib.Path) -> None:
    """Writes them as the Evaluator does."""
    pq.write_table(to_table(predictions), folder / f"{PREDICTIONS_PREFIX}-00000-of-00001.parquet")
