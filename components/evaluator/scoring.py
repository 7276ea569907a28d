"""Predictions of exported models for the test split, with Beam: each image is scored once by each model.

Axes: images, classes.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components import features, signatures
from components.artifacts.predictions import Predictions
from components.lite_model import load_lite_model
from components.transform import decode_images

# Images, wherever models are evaluated: all activations of a batch are in memory at once. 500 took up to 190 MiB more
# than 128 and were no faster on two cores.
BATCH_SIZE = 128


def _parse(examples: tf.Tensor, name: str) -> tf.Tensor:
    return tf.io.parse_example(examples, {name: tf.io.FixedLenFeature([], tf.string)})[name]


class ScoreBatch(beam.DoFn):
    """Scores a batch of serialized tf.Examples with each model.

    Args:
        saved_models: Folders of SavedModels with the signatures of `components.signatures`, by the names in
            `predictions.MODELS`; the candidate also computes labels and quartiles.
        lite_models: Files of its TensorFlow Lite models by name.
        image_size: Height and width of the images that they take, pixels.

    Raises:
        ValueError: If a SavedModel returns anything but probabilities.
    """

    def __init__(self, saved_models: Mapping[str, str], lite_models: Mapping[str, str], image_size: int) -> None:
        self.saved_models, self.lite_models = dict(saved_models), dict(lite_models)
        self._image_size = image_size
        self._shared = {name: Shared() for name in self.saved_models}  # one copy of each model in a process

    def setup(self) -> None:
        """Loads the models."""
        self._models = {
            name: self._shared[name].acquire(functools.partial(tf.saved_model.load, folder))
            for name, folder in self.saved_models.items()
        }
        self._lite_models = {name: load_lite_model(file) for name, file in self.lite_models.items()}
        self._decode = tf.function(
            lambda examples: decode_images(_parse(examples, features.IMAGE), self._image_size),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )

    def process(self, records: list[bytes]) -> Iterator[Predictions]:
        """Yields the predictions for a batch."""
        examples = tf.constant(records)
        truth = self._models["candidate"].signatures[signatures.TRANSFORM_FEATURES](examples=examples)
        pixels = self._decode(examples).numpy() if self.lite_models else []
        # One image at a time is how TensorFlow Lite models are used, and as fast as batches.
        lite = {
            name: np.concatenate([classify(image[np.newaxis]) for image in pixels])
            for name, classify in self._lite_models.items()
        }
        yield Predictions(
            ids=np.array([each.decode(errors="replace") for each in _parse(examples, features.ID).numpy()]),
            labels=truth[features.LABEL].numpy(),
            brightness_quartile=truth[features.BRIGHTNESS_QUARTILE].numpy(),
            contrast_quartile=truth[features.CONTRAST_QUARTILE].numpy(),
            **{name: self._score(name, examples) for name in self.saved_models},
            **lite,
        )

    def _score(self, name: str, examples: tf.Tensor) -> np.ndarray:
        outputs: dict[str, Any] = self._models[name].signatures[signatures.SERVE_EXAMPLES](examples=examples)
        probabilities: np.ndarray = outputs[signatures.PROBABILITIES].numpy()
        bad = np.count_nonzero(~(np.abs(probabilities.sum(axis=1) - 1) < 1e-3))  # NaN, too
        if bad:
            raise ValueError(f"the model in {self.saved_models[name]} does not return probabilities for {bad} images")
        return probabilities
