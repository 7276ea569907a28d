"""A real SavedModel with the network that it was exported from, and real TFX artifacts around it."""

import pathlib
from typing import Any

import pytest
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.artifacts.serving_findings import ServingFindings


def make_artifact(kind: Any, folder: pathlib.Path) -> Any:
    """Makes an artifact whose folder exists."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def list_missed(findings: ServingFindings) -> dict[str, str]:
    """Returns the messages of the failed checks by their names."""
    return {check.name: check.message for check in findings.checks if not check.passed}


@pytest.fixture(scope="session")
def examples(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """60 real images as the split test, fewer than the largest batch has."""
    artifact = make_artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"))
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    artifact.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    split = pathlib.Path(artifact.uri) / f"Split-{features.TEST_SPLIT}"
    split.mkdir()
    with tf.io.TFRecordWriter(str(split / "test.tfrecord-00000-of-00001")) as writer:
        for record in sample.records:
            writer.write(record)
    return artifact


@pytest.fixture(scope="session")
def model(exported_model: Any) -> Any:
    """The exported model as the Trainer's output."""
    return make_artifact(standard_artifacts.Model, exported_model.saved_model.parent)
