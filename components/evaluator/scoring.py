"""Scores the test split with exported models.

Axes: images, classes.
"""

import pathlib

import numpy as np
import tensorflow as tf

from components import features, signatures
from components.evaluator.verdict import Predictions

# Images, everywhere in this room where a model is asked: all activations of a batch are in memory at once. 500 took up
# to 190 MiB more than 128 and were no faster on two cores.
BATCH_SIZE = 128


def predict(split: pathlib.Path, candidate: pathlib.Path, baseline: pathlib.Path | None) -> Predictions:
    """Asks each model for every image of a split, once.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
        candidate: A SavedModel with the signatures of `components.signatures`; it tells labels and quartiles, too.
        baseline: Another, or None.

    Returns:
        What they answered, in the order of the records.

    Raises:
        ValueError: If a model answers with anything but probabilities, or there is no image.
    """
    folders = [folder for folder in (candidate, baseline) if folder]
    models = [tf.saved_model.load(str(folder)).signatures for folder in folders]
    answers: list[list[np.ndarray]] = [[] for _ in models]
    truths: dict[str, list[np.ndarray]] = {}
    files = [str(file) for file in sorted(split.iterdir())]
    for records in tf.data.TFRecordDataset(files).batch(BATCH_SIZE).prefetch(1):
        for answer, model in zip(answers, models, strict=True):
            answer.append(model[signatures.SERVE_EXAMPLES](examples=records)[signatures.PROBABILITIES].numpy())
        ids = tf.io.parse_example(records, {features.ID: tf.io.FixedLenFeature([], tf.string)})
        for name, values in {**ids, **models[0][signatures.TRANSFORM_FEATURES](examples=records)}.items():
            truths.setdefault(name, []).append(values.numpy())
    if not truths:
        raise ValueError(f"{split} holds no image")
    truth = {name: np.concatenate(values) for name, values in truths.items()}
    probabilities = [_check(np.concatenate(answer), folder) for answer, folder in zip(answers, folders, strict=True)]
    return Predictions(
        ids=truth[features.ID].astype(str),
        labels=truth[features.LABEL],
        brightness_quartile=truth[features.BRIGHTNESS_QUARTILE],
        contrast_quartile=truth[features.CONTRAST_QUARTILE],
        candidate=probabilities[0],
        baseline=probabilities[1] if baseline else None,
    )


def _check(probabilities: np.ndarray, folder: pathlib.Path) -> np.ndarray:
    bad = np.count_nonzero(~(np.abs(probabilities.sum(axis=1) - 1) < 1e-3))  # NaN, too
    if bad or probabilities.shape[1] != features.NUM_CLASSES:
        raise ValueError(f"the model in {folder} answers {bad} images with something else than probabilities")
    return probabilities
