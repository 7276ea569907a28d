"""A task that a tiny network learns within seconds: tell bright images from dark ones.

Axes: batch, height, width, channels.
"""

import copy
import dataclasses
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from trainings import NAN, FitterIn, Searched, make_examples, search_in

from components.source_digest import digest_sources
from components.trainer.assignment import Assignment
from components.trainer.config import FitConfig, StateConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.vit_config import ViTConfig
from pipeline.config import QUICK

# Two devices, for the tests of the mirrored strategy; TensorFlow cannot make them after its first operation.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def backbone() -> ViTConfig:
    """With dropout, so that an interrupted training has random numbers to continue."""
    return ViTConfig(
        image_size=8, patch_size=2, dim=4, depth=1, num_heads=2, mlp_dims=(4,), dropout_rate=0.1, num_classes=2
    )


@pytest.fixture(scope="session")
def fit_config() -> FitConfig:
    return dataclasses.replace(
        QUICK.fit,
        epochs=3,
        passes_per_epoch=1,
        batch_size=8,
        learning_rate=0.02,
        ema_momentum=0.9,
        crop_padding=1,
        seed=1,
    )


@pytest.fixture(scope="session")
def config(backbone: ViTConfig, fit_config: FitConfig) -> TrainerConfig:
    """Four points: no reducer; the TokenLearner and two controls, each with two tokens."""
    search = dataclasses.replace(
        QUICK.search,
        placements=(0,),
        token_counts=(2,),
        reducers=("token_learner",),
        controls=("average_pooling", "top_k_norm"),
        backbone_epochs=0,
        min_epochs=1,
        max_epochs=4,
        reduction_factor=2,
        max_trials=3,
        finalists=1,
        seeds=2,
    )
    state = StateConfig(folder="unused", code_digest="abc")
    return TrainerConfig(backbone=backbone, task=QUICK.task, search=search, fit=fit_config, state=state)


@pytest.fixture(scope="session")
def network(backbone: ViTConfig) -> ViTConfig:
    """The point of the space that is trained where one is enough."""
    return dataclasses.replace(backbone, token_reducer="token_learner", blocks_before_token_learner=0, num_tokens=2)


def _draw(images: int, seed: int) -> Examples:
    """Draws images of noise, every other one a little brighter; labeled 0 if dark and 1 if bright."""
    labels = np.arange(images) % 2
    noise = np.random.default_rng(seed).normal(size=(images, 8, 8, 3)) + 0.3 * labels[:, None, None, None] - 0.15
    return make_examples(np.clip(128 + 32 * noise, 0, NAN - 1).astype(np.uint8), labels)


@pytest.fixture(scope="session")
def train() -> Examples:
    """Four batches and three images over."""
    return _draw(35, seed=0)


@pytest.fixture(scope="session")
def valid() -> Examples:
    return _draw(60, seed=1)


@pytest.fixture(scope="session")
def fitter_in(
    fit_config: FitConfig, train: Examples, valid: Examples, tmp_path_factory: pytest.TempPathFactory
) -> FitterIn:
    """Makes a Fitter with a folder; all of them share their traced models, as trainings of one process do."""
    first = Fitter(fit_config, train, valid, tmp_path_factory.mktemp("unused"))

    def make(folder: pathlib.Path) -> Fitter:
        folder.mkdir(exist_ok=True)
        copied = copy.copy(first)
        copied.folder = folder
        return copied

    return make


@pytest.fixture(scope="session")
def searched(config: TrainerConfig, fitter_in: FitterIn, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """The search by halving, uninterrupted."""
    return search_in(config, fitter_in(tmp_path_factory.mktemp("state")), tmp_path_factory.mktemp("search"))


@pytest.fixture
def state(searched: Searched, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the trainings of that search."""
    return pathlib.Path(shutil.copytree(searched.state, tmp_path / "state"))


@pytest.fixture(scope="session")
def record_files(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Files of forty and of twenty real images."""
    folder = tmp_path_factory.mktemp("records")
    for name, records in (("train", sample.records[:40]), ("valid", sample.records[40:])):
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for record in records:
                writer.write(record)
    return str(folder / "train"), str(folder / "valid")


@pytest.fixture(scope="session")
def assignment(config: TrainerConfig, transform: Any, record_files: tuple[str, str]) -> Assignment:
    """Two points, both controls, because each process traces each network for seconds."""
    backbone = ViTConfig(
        image_size=32, patch_size=8, dim=4, depth=1, num_heads=2, mlp_dims=(4,), num_classes=10, stem="linear"
    )
    # All controls have the same cost, below that of all other points.
    control = dataclasses.replace(
        backbone, token_reducer="average_pooling", blocks_before_token_learner=0, num_tokens=2
    )
    search = dataclasses.replace(config.search, max_mmacs=count_macs(control).total / 1e6, max_epochs=2, seeds=1)
    state = dataclasses.replace(config.state, code_digest=digest_sources(Fitter.__module__))
    return Assignment(
        config=dataclasses.replace(config, backbone=backbone, search=search, state=state),
        train_files=record_files[:1],
        valid_files=record_files[1:],
        transform_output=str(pathlib.Path(transform.transform_savedmodel_dir).parent),
    )
