"""Predictions of exported models for the test split, with Beam: each image is scored once by each model.

Axes: images, classes.
"""

import functools
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components import features, signatures
from components.artifacts.predictions import Predictions

# Images, wherever models are evaluated: all activations of a batch are in memory at once. 500 took up to 190 MiB more
# than 128 and were no faster on two cores.
BATCH_SIZE = 128


class ScoreBatch(beam.DoFn):
    """Scores a batch of serialized tf.Examples with the candidate and, if there is one, the baseline.

    Args:
        candidate: A SavedModel with the signatures of `components.signatures`; it also computes labels and quartiles.
        baseline: Another, or None.

    Raises:
        ValueError: If a model returns anything but probabilities.
    """

    def __init__(self, candidate: str, baseline: str | None) -> None:
        self.folders = [candidate, *([baseline] if baseline else [])]
        self._shared = {folder: Shared() for folder in self.folders}  # one copy of each model in a process

    def setup(self) -> None:
        """Loads the models."""
        self._models = [
            shared.acquire(functools.partial(tf.saved_model.load, folder)) for folder, shared in self._shared.items()
        ]

    def process(self, records: list[bytes]) -> Iterator[Predictions]:
        """Yields the predictions for a batch."""
        examples = tf.constant(records)
        ids = tf.io.parse_example(examples, {features.ID: tf.io.FixedLenFeature([], tf.string)})[features.ID]
        truth = self._models[0].signatures[signatures.TRANSFORM_FEATURES](examples=examples)
        scored = [self._score(position, examples) for position in range(len(self._models))]
        yield Predictions(
            ids=ids.numpy().astype(str),
            labels=truth[features.LABEL].numpy(),
            brightness_quartile=truth[features.BRIGHTNESS_QUARTILE].numpy(),
            contrast_quartile=truth[features.CONTRAST_QUARTILE].numpy(),
            candidate=scored[0],
            baseline=scored[1] if len(scored) > 1 else None,
        )

    def _score(self, position: int, examples: tf.Tensor) -> np.ndarray:
        answer: dict[str, Any] = self._models[position].signatures[signatures.SERVE_EXAMPLES](examples=examples)
        probabilities: np.ndarray = answer[signatures.PROBABILITIES].numpy()
        bad = np.count_nonzero(~(np.abs(probabilities.sum(axis=1) - 1) < 1e-3))  # NaN, too
        if bad or probabilities.shape[1] != features.NUM_CLASSES:
            raise ValueError(f"the model in {self.folders[position]} does not return probabilities for {bad} images")
        return probabilities
