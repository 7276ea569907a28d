"""The same data and the same model, in memory and on a job service with workers of their own."""

import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import pytest
import recording_runner
from beam_steps import BeamSteps
from portable_beam import PortableBeam, serve_beam
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.trainer.export import export_model
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import QUICK

NETWORK = ViTConfig(image_size=32, patch_size=8, dim=8, depth=1, num_heads=2, mlp_dims=(8,), num_classes=10)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortableBeam]:
    with serve_beam(tmp_path_factory.mktemp("served")) as portable_beam:
        yield portable_beam


@pytest.fixture(scope="session")
def in_memory(slice_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> BeamSteps:
    """`recording_runner.SEEN` keeps its pipelines."""
    return BeamSteps(tmp_path_factory.mktemp("in_memory"), slice_dir, (recording_runner.OPTION,))


@pytest.fixture(scope="session")
def model(in_memory: BeamSteps, tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Model:
    """An untrained network as the Trainer exports it."""
    keras.utils.set_random_seed(1)
    exported = standard_artifacts.Model()
    exported.uri = str(tmp_path_factory.mktemp("model"))
    export_model(in_memory.transform, build_vit(NETWORK), QUICK.task, path_utils.serving_model_dir(exported.uri))
    return exported


@pytest.fixture(scope="session")
def expected(in_memory: BeamSteps, model: standard_artifacts.Model) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The metrics of each slice and the predictions for each image in memory."""
    return in_memory.evaluate(model, in_memory.examples), in_memory.predict(model, in_memory.examples)
