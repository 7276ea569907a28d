"""Trains on two logical CPUs, which have to be asked for before TensorFlow does anything; prints JSON.

Arguments: a file with the arrays `images`, `labels`, `valid_images`, `valid_labels`, and one with `fit` and `network`.
"""

import dataclasses
import json
import pathlib
import sys
import tempfile
from typing import Any

import numpy as np
import pydantic
import tensorflow as tf
from trainings import train_up_to

from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples
from components.trainer.training.fitter import Fitter, TrainingFailedError
from components.trainer.training.loops import ReplicaLoop, _take_share, make_loop
from models.normalization import FusedBatchNormalization
from models.vit_config import ViTConfig

DEVICES = 2


def main(arrays: str, plan: str) -> dict[str, Any]:
    """Trains a network, meets what must not be trained, and normalizes the images once."""
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * DEVICES)
    with np.load(arrays) as data:
        train = Examples.from_arrays(data["images"], data["labels"])
        valid = Examples.from_arrays(data["valid_images"], data["valid_labels"])
        images = data["images"]
    told = json.loads(pathlib.Path(plan).read_text())
    fit = pydantic.TypeAdapter(FitConfig).validate_python(told["fit"])
    network = pydantic.TypeAdapter(ViTConfig).validate_python(told["network"])
    with tempfile.TemporaryDirectory() as folder:
        fitter = Fitter(fit, train, valid, pathlib.Path(folder))
        return {
            "training": _describe(fitter, network),
            "copies_differ_by": _compare_copies(fitter, network),
            "moving_averages": [[copy.tolist() for copy in average] for average in _normalize(fitter, images)],
            "one_image": _share_one_image(fitter, network),
            "spoilt": _spoil(fitter, network, images),
        }


def _describe(fitter: Fitter, network: ViTConfig) -> dict[str, Any]:
    train_up_to(fitter, network, 1)
    training = train_up_to(fitter, network, 2)  # goes on from a checkpoint
    return {
        "train_losses": [epoch.train_loss for epoch in training.epochs],
        "valid_losses": [epoch.valid_loss for epoch in training.epochs],
        "correct": training.correct.astype(int).tolist(),
        "weights": [weight.tolist() for weight in training.best_weights],
    }


def _compare_copies(fitter: Fitter, network: ViTConfig) -> float:
    """Returns by how much any variable differs from device to device after the training."""
    loop = fitter._traced_loop(network)
    assert isinstance(loop, ReplicaLoop)
    return max(
        float(np.max(np.abs(np.subtract(*(copy.numpy() for copy in variable.value.values)))))
        for variable in (*loop.model.variables, *loop.model.optimizer.variables)
    )


def _spoil(fitter: Fitter, network: ViTConfig, images: np.ndarray) -> dict[str, Any]:
    """Returns why training on images that are no numbers comes to nothing, and after how many updates."""
    fitter.train = Examples.from_arrays(np.full_like(images, np.nan), fitter.train.labels.numpy())
    try:
        train_up_to(fitter, network, 2, seed=2)
    except TrainingFailedError as error:
        return {
            "error": str(error),
            "updates": int(np.array(fitter._traced_loop(network).model.optimizer.iterations)),
        }
    return {}


def _share_one_image(fitter: Fitter, network: ViTConfig) -> str:
    """Returns why devices do not share a batch of one."""
    try:
        make_loop(network, dataclasses.replace(fitter.config, batch_size=1), 1, fitter._strategy)
    except ValueError as error:
        return str(error)
    return ""


def _normalize(fitter: Fitter, images: np.ndarray) -> list[list[np.ndarray]]:
    """Returns each device's moving mean and variance after one batch, of which it had its share."""
    strategy = fitter._strategy
    assert strategy
    with strategy.scope():
        layer = FusedBatchNormalization(momentum=0.5)
        layer.build(images.shape)

    def normalize() -> None:
        layer(_take_share(tf.constant(images)), training=True)

    tf.function(lambda: strategy.run(normalize))()
    averages = (layer.moving_mean, layer.moving_variance)
    return [[np.array(average.value.values[device]) for average in averages] for device in range(DEVICES)]


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
