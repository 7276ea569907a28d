"""Two devices that share each batch train what one does.

Axes: batch, height, width, channels, examples.
"""

import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import two_devices
from trainings import train_up_to

from components.trainer.config import FitConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from components.trainer.training.loops import KerasLoop, make_loop, make_strategy
from models.vit_config import ViTConfig

_FLOAT_NOISE = 1e-6


@pytest.fixture(scope="module")
def plain(network: ViTConfig) -> ViTConfig:
    """Without random numbers and without batch norm: nothing that depends on how a batch is shared out."""
    return dataclasses.replace(network, dropout_rate=0.0)


@pytest.fixture(scope="module")
def clipped(fit_config: FitConfig) -> FitConfig:
    """Gradients so clipped, and batches of so odd a size, that summing after clipping would show."""
    return dataclasses.replace(fit_config, gradient_clip_norm=0.1, batch_size=7)


@pytest.fixture(scope="module")
def valid(valid: Examples) -> Examples:
    """One less than two devices can halve."""
    return valid.first(59)


@pytest.fixture(scope="module")
def alone(
    plain: ViTConfig, clipped: FitConfig, train: Examples, valid: Examples, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    return train_up_to(Fitter(clipped, train, valid, tmp_path_factory.mktemp("alone")), plain, 2)


@pytest.fixture(scope="module")
def together(
    plain: ViTConfig,
    clipped: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What two devices found, in a process of their own."""
    folder = tmp_path_factory.mktemp("together")
    images, valid_images = (next(iter(split.stream_images(len(split)))).numpy() for split in (train, valid))
    np.savez(
        folder / "arrays.npz",
        images=images,
        labels=train.labels,
        valid_images=valid_images,
        valid_labels=valid.labels,
    )
    fit = dataclasses.asdict(dataclasses.replace(clipped, strategy="mirrored"))
    (folder / "plan.json").write_text(json.dumps({"fit": fit, "network": dataclasses.asdict(plain)}))
    told = subprocess.run(
        [sys.executable, two_devices.__file__, str(folder / "arrays.npz"), str(folder / "plan.json")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(told.stdout.splitlines()[-1])  # Keras prints that a loss is no number


def test_two_devices_train_what_one_does(together: dict[str, Any], alone: Checkpoint) -> None:
    found = together["training"]
    for name in ("train_loss", "valid_loss"):
        expected = [getattr(epoch, name) for epoch in alone.epochs]
        np.testing.assert_allclose(found[f"{name}es"], expected, rtol=0, atol=_FLOAT_NOISE)
    np.testing.assert_array_equal(found["correct"], alone.correct)
    for weight, of_one in zip(found["weights"], alone.best_weights, strict=True):
        np.testing.assert_allclose(weight, of_one, rtol=0, atol=5e-5)  # Adam takes steps of up to 0.02


def test_all_devices_hold_the_same_weights(together: dict[str, Any]) -> None:
    assert together["copies_differ_by"] == 0  # no number differs from itself, so all are numbers


def test_what_batch_norm_keeps_is_on_all_devices_the_mean_over_the_shares(
    together: dict[str, Any], train: Examples
) -> None:
    [images] = train.stream_images(35)
    shares = [share.reshape(-1, 3) for share in np.split(images.numpy().astype(float), [17])]  # [pixels, channels]
    mean, variance = (
        np.mean([share.mean(axis=0) for share in shares], axis=0),
        np.mean([share.var(axis=0, ddof=1) for share in shares], axis=0),
    )
    expected = [0.5 * mean, 0.5 + 0.5 * variance]
    for averages in together["moving_averages"]:
        np.testing.assert_allclose(averages, expected, rtol=0, atol=_FLOAT_NOISE)
    assert len(together["moving_averages"]) == two_devices.DEVICES
    assert not np.allclose(mean, images.numpy().mean(axis=(0, 1, 2)), rtol=0, atol=10 * _FLOAT_NOISE)


def test_a_loss_that_is_no_number_ends_the_training_at_once(together: dict[str, Any]) -> None:
    assert together["spoilt"] == {"error": "the training loss is nan in epoch 1", "updates": 1}


def test_no_device_goes_without_an_image(together: dict[str, Any]) -> None:
    assert together["one_image"] == "fit.batch_size is 1, of which not all 2 devices get an image"


def test_one_device_is_kerass_own_affair(plain: ViTConfig, fit_config: FitConfig) -> None:
    strategy = make_strategy("default")
    assert strategy is None
    assert isinstance(make_loop(plain, fit_config, steps=8, strategy=strategy), KerasLoop)


def test_workers_and_a_strategy_do_not_share_devices_out_both(config: TrainerConfig) -> None:
    search, fit = (
        dataclasses.replace(config.search, workers=2),
        dataclasses.replace(config.fit, strategy="mirrored"),
    )
    with pytest.raises(ValueError, match=r"search\.workers is 2 and fit\.strategy is mirrored; .* set search\.workers"):
        dataclasses.replace(config, search=search, fit=fit)
