"""A real SavedModel with the network that it was exported from, and real TFX artifacts around it."""

import dataclasses
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.artifacts.serving_findings import ServingFindings, read_findings
from components.serving_validator.component import ServingValidator
from pipeline.config import QUICK


def make_artifact(kind: Any, folder: pathlib.Path) -> Any:
    """Makes an artifact whose folder exists."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="session")
def network(exported_model: Any) -> keras.Model:
    return exported_model.load_network()


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
    """What the Trainer exports."""
    return make_artifact(standard_artifacts.Model, exported_model.saved_model.parent)


@pytest.fixture(scope="session")
def model_run(exported_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the Trainer leaves of the network by itself."""
    artifact = make_artifact(standard_artifacts.ModelRun, tmp_path_factory.mktemp("model_run"))
    shutil.copy(exported_model.network_file, artifact.uri)
    return artifact


@dataclasses.dataclass(frozen=True)
class Validated:
    """What the ServingValidator left."""

    findings: ServingFindings
    blessing: Any

    @property
    def missed(self) -> dict[str, str]:
        """The sentences of the checks that were not passed, by their names."""
        return {check.name: check.sentence for check in self.findings.checks if not check.passed}

    @property
    def files(self) -> list[str]:
        """What stands in the folder of the blessing."""
        return sorted(file.name for file in pathlib.Path(self.blessing.uri).iterdir())


@pytest.fixture(scope="session")
def validate(
    examples: Any, model_run: Any, transform: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Validated]:
    """Drives the ServingValidator with real artifacts."""
    transform_graph = standard_artifacts.TransformGraph()
    transform_graph.uri = str(pathlib.Path(transform.transform_savedmodel_dir).parent)

    def run(model: Any, *, docker_blessing: Any = None, **changes: float) -> Validated:
        blessing = make_artifact(standard_artifacts.InfraBlessing, tmp_path_factory.mktemp("blessing"))
        config = dataclasses.replace(QUICK.serving, timed_requests=5)
        ServingValidator.test_call(
            examples=examples,
            model=model,
            model_run=model_run,
            transform_graph=transform_graph,
            blessing=blessing,
            **({"docker_blessing": docker_blessing} if docker_blessing else {}),
            **{**config.parameters(), **changes},
            rejections=0,
            code_digest="",
        )
        return Validated(read_findings(pathlib.Path(blessing.uri)), blessing)

    return run


@pytest.fixture
def is_pushed(model: Any) -> Callable[[Any], bool]:
    """Tells whether TFX's Pusher takes a model with this infra blessing."""
    from tfx.components.pusher.executor import Executor

    return lambda blessing: Executor().CheckBlessing({"model": [model], "infra_blessing": [blessing]})
