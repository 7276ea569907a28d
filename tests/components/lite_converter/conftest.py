"""A small network, exported as the Trainer does, and what the LiteConverter makes of it.

Axes: images, height, width, channels, classes.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from component_network import COMPONENT_NETWORK
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features
from components.lite_converter.comparison import LiteComparison, read_comparison
from components.lite_converter.component import LiteConverter, LiteModels
from components.lite_converter.images import stream_pixels
from components.trainer.export import export_model
from models.vit import build_vit

MARGIN = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Converted:
    """Inputs and output of the LiteConverter."""

    saved_model: pathlib.Path
    folder: pathlib.Path  # of lite.json
    comparison: LiteComparison
    pixels: np.ndarray  # of the test split, uint8 [images, height, width, channels]

    def classify(self) -> np.ndarray:
        """Returns what the SavedModel answers to the test images, [images, classes]."""
        signature = tf.saved_model.load(str(self.saved_model)).signatures["serve_images"]
        answers: np.ndarray = signature(images=tf.constant(self.pixels))["probabilities"].numpy()
        return answers


def make_artifact(kind: Any, folder: pathlib.Path) -> Any:
    """Makes an artifact whose folder exists."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def _convert(network: keras.Model, examples: Any, transform: Any, folder: pathlib.Path) -> Converted:
    model = make_artifact(standard_artifacts.Model, folder / "model")
    export_model(transform, network, path_utils.serving_model_dir(model.uri))
    lite_models = make_artifact(LiteModels, folder / "lite_models")
    LiteConverter.test_call(examples=examples, model=model, lite_models=lite_models, int8_margin=MARGIN, code_digest="")
    return Converted(
        saved_model=pathlib.Path(path_utils.serving_model_dir(model.uri)),
        folder=folder / "lite_models",
        comparison=read_comparison(folder / "lite_models"),
        pixels=np.concatenate(list(stream_pixels(pathlib.Path(examples.uri) / "Split-test"))),
    )


@pytest.fixture(scope="session")
def examples(slice_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Real images, in splits as the ExampleGen leaves them."""
    artifact = make_artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"))
    artifact.split_names = artifact_utils.encode_split_names([features.TRAIN_SPLIT, features.TEST_SPLIT])
    for split in (features.TRAIN_SPLIT, features.TEST_SPLIT):
        (pathlib.Path(artifact.uri) / f"Split-{split}").mkdir()
        [file] = slice_dir.glob(f"cifar10-{split}.tfrecord-*")
        (pathlib.Path(artifact.uri) / f"Split-{split}" / file.name).write_bytes(file.read_bytes())
    return artifact


@pytest.fixture(scope="session")
def converted(examples: Any, transform: Any, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """Of a network whose weights are random, and its answers far from uniform."""
    keras.utils.set_random_seed(1)
    return _convert(build_vit(COMPONENT_NETWORK), examples, transform, tmp_path_factory.mktemp("converted"))


@pytest.fixture
def convert_network(examples: Any, transform: Any, tmp_path: pathlib.Path) -> Callable[[keras.Model], Converted]:
    """Exports and converts any other network."""
    return lambda network: _convert(network, examples, transform, tmp_path)
