"""Real images, and what the LiteConverter makes of a network, exported as the Trainer does."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import pytest
from scored_images import score_split, write_predictions
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features
from components.artifacts.lite_comparison import LiteComparison, read_comparison
from components.evaluator.artifact import EvaluationVerdict
from components.lite_converter.component import LiteConverter, LiteModels
from components.trainer.export import export_model

MARGIN = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Converted:
    """Output of the LiteConverter."""

    folder: pathlib.Path  # of lite.json
    comparison: LiteComparison


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
    verdict = make_artifact(EvaluationVerdict, folder / "verdict")
    test_split = pathlib.Path(examples.uri) / f"Split-{features.TEST_SPLIT}"
    predictions = score_split(test_split, pathlib.Path(path_utils.serving_model_dir(model.uri)))
    write_predictions(predictions, folder / "verdict")
    LiteConverter.test_call(
        examples=examples,
        model=model,
        verdict=verdict,
        lite_models=lite_models,
        int8_margin=MARGIN,
        code_digest="",
    )
    return Converted(
        folder=folder / "lite_models",
        comparison=read_comparison(folder / "lite_models"),
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


@pytest.fixture
def convert_network(examples: Any, transform: Any, tmp_path: pathlib.Path) -> Callable[[keras.Model], Converted]:
    """Exports and converts a network."""
    return lambda network: _convert(network, examples, transform, tmp_path)
