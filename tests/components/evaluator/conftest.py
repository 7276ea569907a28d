"""Real TFX artifacts on disk: test images whose bytes say what two models answer, and these models."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from run_folder import make_winner
from tfx.components.evaluator import constants
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features, signatures
from components.artifacts.winner import write_winner
from components.evaluator.gate import Gate, GateVerdict
from components.evaluator.verdict import Verdict, read_verdict
from models.presets import PRESETS

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
        told = tf.reshape(told, (-1, len(NAMES), features.NUM_CLASSES))
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


def answer(labels: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Makes probabilities of 0.73 for the label, or for the class behind it; float32 [images, classes]."""
    answers = np.full((len(labels), features.NUM_CLASSES), 0.03, np.float32)
    answers[np.arange(len(labels)), np.where(right, labels, (labels + 1) % features.NUM_CLASSES)] = 0.73
    return answers


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the Gate left."""

    verdict: Verdict
    folder: pathlib.Path  # of verdict.json
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
        found[name] = model
    return found


@pytest.fixture
def judge_models(models: dict[str, Any], tmp_path: pathlib.Path) -> Callable[..., Judged]:
    """Drives the Gate with real artifacts, given what each model gets right."""

    def run(
        right: np.ndarray, baseline_right: np.ndarray | None, *, macs: int = 7_620_000, **thresholds: float | None
    ) -> Judged:
        labels = np.arange(len(right)) % features.NUM_CLASSES
        examples = make_artifact(standard_artifacts.Examples, tmp_path / "examples")
        examples.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
        told = [answer(labels, right), answer(labels, right if baseline_right is None else baseline_right)]
        write_examples(pathlib.Path(examples.uri) / "Split-test", labels, np.concatenate(told, axis=1))
        model_run = make_artifact(standard_artifacts.ModelRun, tmp_path / "model_run")
        write_winner(make_winner(PRESETS["quick"], macs=macs), tmp_path / "model_run")
        blessing = make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        verdict = make_artifact(GateVerdict, tmp_path / "verdict")
        optional = {} if baseline_right is None else {"baseline_model": models["baseline"]}
        Gate.test_call(
            examples=examples,
            model=models["candidate"],
            model_run=model_run,
            blessing=blessing,
            verdict=verdict,
            code_digest="",
            **optional,
            **thresholds,
        )
        assert blessing.has_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        inputs = {"model": models["candidate"], **optional}
        return Judged(read_verdict(pathlib.Path(verdict.uri)), pathlib.Path(verdict.uri), blessing, inputs)

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
