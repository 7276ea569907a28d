"""Two devices that share each batch train what one does.

Axes: batch, height, width, channels, examples.
"""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from trainings import NAN, make_examples, train_up_to

from components.trainer.config import FitConfig, TrainerConfig
from components.trainer.data.examples import Examples
from components.trainer.training.fitter import Fitter, TrainingFailedError
from components.trainer.training.loops import ReplicaLoop, _take_share, make_loop, make_strategy
from models.normalization import FusedBatchNormalization
from models.vit_config import ViTConfig

_FLOAT_NOISE = 1e-6


@pytest.fixture(scope="module")
def strategy() -> tf.distribute.Strategy:
    """One for all tests, because those of a process share the names of their collective operations."""
    strategy = make_strategy("mirrored")
    assert strategy
    return strategy


def test_two_devices_train_what_one_does_and_end_a_training_whose_loss_is_no_number(
    network: ViTConfig,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    strategy: tf.distribute.Strategy,
    tmp_path: pathlib.Path,
) -> None:
    """Without dropout; gradients so clipped, and batches of so odd a size, that summing after clipping would show."""
    plain = dataclasses.replace(network, dropout_rate=0.0)
    single = dataclasses.replace(fit_config, gradient_clip_norm=0.1, batch_size=7)
    mirrored = dataclasses.replace(single, strategy="mirrored")
    alone, together = (Fitter(fit, train, valid.first(59), tmp_path / fit.strategy) for fit in (single, mirrored))
    together._strategy = strategy
    for fitter in (alone, together):
        fitter.folder.mkdir()
        train_up_to(fitter, plain, 1)
    expected, found = (train_up_to(fitter, plain, 2) for fitter in (alone, together))  # continue from a checkpoint

    for name in ("train_loss", "valid_loss"):
        losses, same = ([getattr(epoch, name) for epoch in training.epochs] for training in (found, expected))
        np.testing.assert_allclose(losses, same, rtol=0, atol=_FLOAT_NOISE)
    np.testing.assert_array_equal(found.correct, expected.correct)
    for weight, of_one in zip(found.best_weights, expected.best_weights, strict=True):
        np.testing.assert_allclose(weight, of_one, rtol=0, atol=5e-5)  # Adam takes steps of up to 0.02
    loop = together._traced_loop(plain)
    assert isinstance(loop, ReplicaLoop)
    for variable in (*loop.model.variables, *loop.model.optimizer.variables):
        np.testing.assert_array_equal(*(copy.numpy() for copy in variable.value.values))

    together.train = make_examples(np.full((35, 8, 8, 3), NAN, np.uint8), np.arange(35) % 2)
    with pytest.raises(TrainingFailedError, match="the training loss is nan in epoch 1"):
        train_up_to(together, plain, 2, seed=2)
    assert int(np.array(loop.model.optimizer.iterations)) == 1


def test_the_averages_of_batch_norm_are_on_all_devices_the_mean_over_the_shares(
    train: Examples, strategy: tf.distribute.Strategy
) -> None:
    [images] = train.stream_images(35)
    with strategy.scope():
        layer = FusedBatchNormalization(momentum=0.5)
        layer.build(images.shape)

    def normalize() -> None:
        layer(_take_share(images), training=True)

    tf.function(lambda: strategy.run(normalize))()
    shares = [share.reshape(-1, 3) for share in np.split(images.numpy().astype(float), [17])]  # [pixels, channels]
    mean = np.mean([share.mean(axis=0) for share in shares], axis=0)
    variance = np.mean([share.var(axis=0, ddof=1) for share in shares], axis=0)
    for average, expected in ((layer.moving_mean, 0.5 * mean), (layer.moving_variance, 0.5 + 0.5 * variance)):
        copies = [np.array(copy) for copy in average.value.values]
        np.testing.assert_allclose(copies, [expected] * 2, rtol=0, atol=_FLOAT_NOISE)
    assert not np.allclose(mean, images.numpy().mean(axis=(0, 1, 2)), rtol=0, atol=10 * _FLOAT_NOISE)


def test_what_devices_cannot_share_is_rejected(config: TrainerConfig) -> None:
    assert make_strategy("default") is None
    one_image = dataclasses.replace(config.fit, batch_size=1)
    with pytest.raises(ValueError, match=r"fit\.batch_size is 1; it must be at least 2, the number of devices"):
        make_loop(config.backbone, one_image, make_strategy("mirrored"))
    search = dataclasses.replace(config.search, workers=2)
    fit = dataclasses.replace(config.fit, strategy="mirrored")
    with pytest.raises(
        ValueError, match=r"search\.workers is 2 and fit\.strategy is mirrored; they exclude each other"
    ):
        dataclasses.replace(config, search=search, fit=fit)
