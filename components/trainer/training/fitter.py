"""The Fitter: trains a network epoch by epoch, and continues where an earlier process was stopped.

Axes: batch, height, width, channels, classes, examples.
"""

import functools
import pathlib
import random
import time

import keras
import numpy as np
import tensorflow as tf

from components.artifacts.epoch import Epoch
from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples, count_batches, training_batches
from components.trainer.progress import EpochReporter
from components.trainer.training import checkpoint
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.loops import KerasLoop, make_loop, make_strategy
from components.trainer.training.optimizer import averaged_weights, set_steps
from models.search_space import name_point
from models.vit import build_vit
from models.vit_config import ViTConfig

_MODELS_KEPT = 32  # traced networks in memory, some 50 MB each
_VALID_BATCH_SIZE = 256  # images


class TrainingFailedError(Exception):
    """A training has no result; the message gives the reason."""


class Fitter:
    """Trains networks of one backbone on one dataset, and never the same epoch twice.

    A training depends on the network, the seed and the epochs of the schedule, and on everything that `folder` stands
    for (data, backbone, other settings, code), but not on interruptions: weights, optimizer state and the order of
    images are those of an uninterrupted training.

    Args:
        config: How to train; its epochs and seed are ignored, because each training has its own.
        train: Fits the weights.
        valid: Measured after each epoch.
        folder: Of the checkpoints.
    """

    def __init__(self, config: FitConfig, train: Examples, valid: Examples, folder: pathlib.Path) -> None:
        self.config = config
        self.train = train
        self.valid = valid
        self.folder = folder
        self._strategy = make_strategy(config.strategy)
        self._traced_loop = functools.lru_cache(maxsize=_MODELS_KEPT)(self._trace_loop)

    def fit(
        self,
        network: ViTConfig,
        *,
        seed: int,
        epochs: int,
        schedule_epochs: int,
        reporter: EpochReporter | None = None,
    ) -> Checkpoint:
        """Trains up to an epoch.

        Args:
            network: What is trained.
            seed: Of initial weights, dropout, order and augmentation.
            epochs: To stop after.
            schedule_epochs: Over which the learning rate decays, at least `epochs`.
            reporter: Reports every epoch that is trained now.

        Returns:
            The training after its last epoch, which may be later than `epochs`.

        Raises:
            TrainingFailedError: If the loss is not a finite number.
        """
        done = self.find(network, seed=seed, schedule_epochs=schedule_epochs)
        if done is not None and len(done.epochs) >= epochs:
            return done
        loop = self._traced_loop(network)
        set_steps(loop.model, schedule_epochs * count_batches(self.train, self.config))
        if done is None:
            _restart(loop.model, network, seed)
        else:
            _assign(_state(loop.model), done.state)
        first_epoch = 0 if done is None else len(done.epochs)
        keeper = _EpochKeeper(loop, self.valid, done, self._locate(network, seed, schedule_epochs))
        loop.fit(
            training_batches(self.train, self.config, seed=seed, first_epoch=first_epoch),
            count_batches(self.train, self.config),
            range(first_epoch, epochs),
            [keras.callbacks.TerminateOnNaN(), keeper, *([reporter] if reporter else [])],
        )
        assert keeper.checkpoint is not None
        return keeper.checkpoint

    def find(self, network: ViTConfig, *, seed: int, schedule_epochs: int) -> Checkpoint | None:
        """Returns the epochs of a training that are done; None if there are none."""
        return checkpoint.load(self._locate(network, seed, schedule_epochs))

    def _locate(self, network: ViTConfig, seed: int, schedule_epochs: int) -> pathlib.Path:
        return self.folder / f"{name_point(network)},seed={seed},epochs={schedule_epochs}.checkpoint"

    def best_model(self, network: ViTConfig, training: Checkpoint) -> keras.Model:
        """Returns the network with the weights of the epoch that was best on the valid split."""
        model = build_vit(network)
        _assign(model.variables, training.best_weights)
        return model

    def _trace_loop(self, network: ViTConfig) -> KerasLoop:
        """Compiles a network and runs it once, so that no epoch's seconds contain the tracing."""
        loop = make_loop(network, self.config, self._strategy)
        loop.fit(training_batches(self.train, self.config, seed=0, first_epoch=0), 1, range(1))
        loop.predict(self.valid.first(1).stream_images(1))
        return loop


def _restart(model: keras.Model, network: ViTConfig, seed: int) -> None:
    """Gives a model that has been trained the weights of a new one, and its optimizer a new one's zeros."""
    # Keras draws the seeds of initializers and dropout from this generator. `keras.utils.set_random_seed` also seeds
    # TensorFlow, which then drops its cache of kernels and optimizes every graph again: a second or more each time.
    random.seed(seed)
    _assign(model.variables, _read(build_vit(network).variables))
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))


class _EpochKeeper(keras.callbacks.Callback):
    """Measures each epoch on the valid split and keeps the training on disk."""

    def __init__(self, loop: KerasLoop, valid: Examples, done: Checkpoint | None, path: pathlib.Path) -> None:
        super().__init__()
        self.checkpoint = done
        self._loop = loop
        self._images = valid.stream_images(_VALID_BATCH_SIZE)
        self._labels = valid.labels
        self._path = path
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Starts the clock."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measures, and replaces the checkpoint."""
        assert logs is not None
        if not np.isfinite(logs["loss"]):
            raise TrainingFailedError(f"the training loss is {logs['loss']} in epoch {epoch + 1}")
        state = _read(_state(self.model))
        with averaged_weights(self.model):
            logits = self._loop.predict(self._images)  # [examples, classes]
            weights = _read(self.model.variables)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(self._labels, logits)
        correct = np.argmax(logits, axis=-1) == self._labels.numpy()
        logs["val_accuracy"] = float(correct.mean())
        measured = Epoch(
            epoch=epoch + 1,
            train_loss=logs["loss"],
            train_accuracy=logs["accuracy"],
            valid_loss=float(np.mean(losses)),
            valid_accuracy=logs["val_accuracy"],
            seconds=round(time.monotonic() - self._began, 3),
        )
        done = self.checkpoint
        is_best = done is None or measured.valid_accuracy > done.best_epoch.valid_accuracy
        self.checkpoint = Checkpoint(
            epochs=(*(done.epochs if done else ()), measured),
            correct=np.stack([*(done.correct if done else ()), correct]),
            state=state,
            best_weights=weights if done is None or is_best else done.best_weights,
            parameters=self.model.count_params(),
        )
        checkpoint.save(self.checkpoint, self._path)


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


def _read(variables: list[keras.Variable]) -> tuple[np.ndarray, ...]:
    return tuple(np.array(variable) for variable in variables)


def _assign(variables: list[keras.Variable], values: tuple[np.ndarray, ...]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
