"""Trainings of the backbone of `full` and of points on it, kept from run to run.

Axes: examples.
"""

import dataclasses
import pathlib

import numpy as np

from components.source_digest import digest_sources
from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples
from components.trainer.state import locate_state
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.vit_config import ViTConfig
from pipeline.config import FULL

_BATCH_SIZE = 500  # images


def make_fitter(backbone: ViTConfig, fit: FitConfig, train: Examples, valid: Examples, state: pathlib.Path) -> Fitter:
    """Makes a Fitter whose checkpoints are in a folder below `state`."""
    full = FULL.trainer(code_digest=digest_sources(Fitter.__module__))
    folder = dataclasses.replace(full.state, folder=str(state.resolve()))
    config = dataclasses.replace(full, backbone=backbone, fit=fit, state=folder)
    return Fitter(fit, train, valid, locate_state(config, train, valid))


def classify(fitter: Fitter, network: ViTConfig, training: Checkpoint, images: Examples) -> np.ndarray:
    """Returns which images a network classifies correctly after its best epoch, bool [examples]."""
    logits = fitter.best_model(network, training).predict(images.stream_images(_BATCH_SIZE), verbose=0)
    correct: np.ndarray = np.argmax(logits, axis=-1) == images.labels.numpy()
    return correct
