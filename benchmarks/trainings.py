"""Trainings of the backbone of `full` and of points on it, kept from run to run, and their results on the test split.

Axes: seeds, examples.
"""

import base64
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from benchmarks.networks import parse_network
from benchmarks.result import Row
from components.artifacts.verdict import Measure
from components.evaluator.intervals import Z_95
from components.source_digest import digest_sources
from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples
from components.trainer.search.selection import Candidate
from components.trainer.state import locate_state
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.search_space import name_point
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


def describe_training(fitter: Fitter, network: ViTConfig, training: Checkpoint, seed: int, test: Examples) -> Row:
    """Evaluates a training on the test split, and returns everything that is known of it."""
    return {
        "kind": "training",
        "point": name_point(network),
        "network": dataclasses.asdict(network),
        "fit": dataclasses.asdict(fitter.config),
        "seed": seed,
        "train_images": len(fitter.train),
        "macs": count_macs(network).total,
        "parameters": training.parameters,
        "valid_accuracy": training.best_epoch.valid_accuracy,
        "epoch_seconds": [epoch.seconds for epoch in training.epochs],
        "test_images": len(test),
        "test_correct": pack(classify(fitter, network, training, test)),
    }


def pack(correct: np.ndarray) -> str:
    """Writes bool [examples], which of them a network classifies correctly, a bit each, in base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def _unpack(row: Row) -> np.ndarray:
    bits = np.frombuffer(base64.b64decode(row["test_correct"]), np.uint8)
    return np.unpackbits(bits, count=row["test_images"]).astype(bool)


def read_candidates(rows: Sequence[Row]) -> list[Candidate]:
    """Reads the networks, each with the test images that its trainings classify correctly."""
    by_network: dict[ViTConfig, list[np.ndarray]] = {}
    for row in rows:
        if row["kind"] == "training":
            by_network.setdefault(parse_network(row["network"]), []).append(_unpack(row))
    return [Candidate(network=network, correct=np.stack(correct)) for network, correct in by_network.items()]


def measure_accuracy(candidate: Candidate, deviation: float) -> Measure:
    """Measures the accuracy, given its standard deviation from seed to seed."""
    seeds, images = candidate.correct.shape
    half = Z_95 * math.sqrt(candidate.correct.mean(axis=0).var(ddof=1) / images + deviation**2 / seeds)
    return Measure(value=candidate.accuracy, low=candidate.accuracy - half, high=candidate.accuracy + half)
