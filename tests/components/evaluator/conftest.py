"""Real TFX artifacts on disk: test images whose bytes are the predictions of two models, and these models."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from run_folder import make_winner
from tfx.components.evaluator import constants
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features, signatures
from components.artifacts.image_task import write_task
from components.artifacts.predictions import Predictions
from components.artifacts.verdict import Verdict, read_verdict
from components.artifacts.winner import write_winner
from components.evaluator.artifact import EvaluationVerdict
from components.evaluator.component import Evaluator
from components.evaluator.config import EvaluationConfig
from components.image_dataset import CIFAR10
from models.presets import PRESETS
from pipeline.beam_options import make_step_arguments
from pipeline.config import QUICK

NAMES = ("candidate", "baseline")


class ToldModel(tf.Module):
    """Answers what the bytes of an image say: for each of NAMES its probabilities, float32 [classes].

    Args:
        position: Of this model in NAMES.
    """

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def classify(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads the probabilities, float32 [batch, classes]."""
        parsed = tf.io.parse_example(examples, {features.IMAGE: tf.io.FixedLenFeature([], tf.string)})
        told = tf.io.decode_raw(parsed[features.IMAGE], tf.float32)  # [batch, models * classes]
        told = tf.reshape(told, (-1, len(NAMES), len(CIFAR10.class_names)))
        return {signatures.PROBABILITIES: told[:, self.position]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads the label and makes quartiles of it, int64 [batch]."""
        label = tf.io.parse_example(examples, {features.LABEL: tf.io.FixedLenFeature([], tf.int64)})[features.LABEL]
        return {features.LABEL: label, features.BRIGHTNESS_QUARTILE: label % 4, features.CONTRAST_QUARTILE: label // 3}


def make_artifact(kind: Any, folder: pathlib.Path, artifact_id: int = 0) -> Any:
    """Makes an artifact whose folder exists."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    artifact.id = artifact_id
    return artifact


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the Evaluator left."""

    verdict: Verdict
    folder: pathlib.Path  # of verdict.json
    evaluation: str  # folder of TFMA's files
    blessing: Any
    inputs: dict[str, Any]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The two models, as the Trainer leaves them."""
    found = {}
    for position, name in enumerate(NAMES):
        model = make_artifact(standard_artifacts.Model, tmp_path_factory.mktemp(name), artifact_id=11 + position)
        told = ToldModel(position)
        tf.saved_model.save(
            told,
            path_utils.serving_model_dir(model.uri),
            signatures={signatures.SERVE_EXAMPLES: told.classify, signatures.TRANSFORM_FEATURES: told.transform},
        )
        write_task(QUICK.task, path_utils.serving_model_dir(model.uri))
        found[name] = model
    return found


@pytest.fixture(scope="session")
def evaluate(
    models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Predictions, EvaluationConfig], Judged]:
    """Drives the Evaluator with real artifacts, given the predictions of each model."""

    def run(scored: Predictions, thresholds: EvaluationConfig) -> Judged:
        tmp_path = tmp_path_factory.mktemp("evaluated")
        examples = make_artifact(standard_artifacts.Examples, tmp_path / "examples")
        examples.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
        told = [scored.candidate, scored.candidate if scored.baseline is None else scored.baseline]
        write_examples(pathlib.Path(examples.uri) / "Split-test", scored.labels, np.concatenate(told, axis=1))
        model_run = make_artifact(standard_artifacts.ModelRun, tmp_path / "model_run")
        write_winner(make_winner(PRESETS["convolution_stem"], macs=7_620_000), tmp_path / "model_run")
        blessing = make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        verdict = make_artifact(EvaluationVerdict, tmp_path / "verdict")
        evaluation = make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
        optional = {} if scored.baseline is None else {"baseline_model": models["baseline"]}
        Evaluator.test_call(
            examples=examples,
            model=models["candidate"],
            model_run=model_run,
            evaluation=evaluation,
            blessing=blessing,
            verdict=verdict,
            code_digest="",
            beam_pipeline=beam.Pipeline(argv=make_step_arguments(())),
            **optional,
            config=json.dumps(dataclasses.asdict(thresholds)),
        )
        assert blessing.has_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        inputs = {"model": models["candidate"], **optional}
        folder = pathlib.Path(verdict.uri)
        return Judged(read_verdict(folder), folder, evaluation.uri, blessing, inputs)

    return run


def write_examples(folder: pathlib.Path, labels: np.ndarray, told: np.ndarray) -> None:
    """Writes a split of tf.Examples."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "test.tfrecord-00000-of-00001")) as writer:
        for position, (label, image) in enumerate(zip(labels, told, strict=True)):
            values = {
                features.ID: tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"test_{position:05d}".encode()])),
                features.IMAGE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
                features.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=values))
            writer.write(example.SerializeToString())
