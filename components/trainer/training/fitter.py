"""The Fitter: trains a network epoch by epoch, and continues where an earlier process was stopped.

Axes: batch, height, width, channels, classes, examples.
"""

import functools
import pathlib
import random
import time
from collections.abc import Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

from components.artifacts.epoch import Epoch
from components.trainer.config import FitConfig, Schedule
from components.trainer.data.examples import Examples, training_batches
from components.trainer.progress import EpochReporter
from components.trainer.training import checkpoint
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.learning_rate import list_rates
from components.trainer.training.loop import TrainingLoop, assign_variables, read_variables
from models.search_space import strip_reducer
from models.vit import build_vit
from models.vit_config import ViTConfig

_MODELS_KEPT = 32  # traced networks in memory, some 50 MB each
_VALID_BATCH_SIZE = 256  # images
_SEED = "seed_generator"  # in the paths of variables that are no weights


class TrainingFailedError(Exception):
    """A training has no result; the message gives the reason."""


class OutOfTimeError(Exception):
    """The next epoch of a training would end after its deadline; the epochs before are kept."""


class Fitter:
    """Trains networks of one backbone on one dataset, and never the same epoch twice.

    A training depends on the network, the seed and the schedule, and on everything that `folder` stands for (data,
    backbone, other settings, code), but not on interruptions: weights, optimizer state and the order of images are
    those of an uninterrupted training.

    Args:
        config: How to train; its epochs and seed are ignored, because each training has its own.
        train: Fits the weights.
        valid: Measured after each epoch.
        folder: Of the checkpoints.
        initial_weights: Of a trained network, by path, from which trainings start where they fit the backbone.
    """

    def __init__(
        self,
        config: FitConfig,
        train: Examples,
        valid: Examples,
        folder: pathlib.Path,
        initial_weights: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.config = config
        self.train = train
        self.valid = valid
        self.folder = folder
        self.initial_weights = initial_weights or {}
        self._class_weights = balance_classes(train.labels.numpy()) if config.class_weights == "balanced" else None
        self._loops: dict[ViTConfig, TrainingLoop] = {}  # the oldest first

    def fit(
        self,
        network: ViTConfig,
        *,
        seed: int,
        schedule: Schedule,
        epochs: int | None = None,
        reporter: EpochReporter | None = None,
        deadline: float | None = None,
    ) -> Checkpoint:
        """Trains up to an epoch.

        Args:
            network: What is trained.
            seed: Of initial weights, dropout, order and augmentation.
            schedule: The whole training. If it starts from a backbone, the training of that with the same seed is found
                or made first.
            epochs: To stop after; None: the whole schedule.
            reporter: Reports every epoch that is trained now.
            deadline: `time.time()` after which no epoch ends.

        Returns:
            The training after its last epoch, which may be later than `epochs`.

        Raises:
            TrainingFailedError: If the loss is not a finite number.
            OutOfTimeError: If the deadline comes before the last epoch ends.
        """
        epochs = epochs or schedule.epochs
        done = self.find(network, seed=seed, schedule=schedule)
        first_epoch = len(done.epochs) if done else 0
        if done and first_epoch >= epochs:
            return done
        if done:
            loop = self._trace(network)
            loop.state = done.state
        else:
            initial = self._initialize(network, seed, schedule, deadline)
            weights = read_variables(initial.variables)  # to trace the network changes those of its batch norms
            loop = self._trace(network, initial)
            loop.start(weights)
        batches = iter(training_batches(self.train, self.config, seed=seed, first_epoch=first_epoch))
        for epoch in range(first_epoch, epochs):
            _check_time(done, deadline)
            begin = time.monotonic()
            trained = self._train_epoch(loop, batches, schedule, epoch, reporter)
            done = self._measure(loop, done, trained, begin)
            checkpoint.save(done, self.locate(network, seed, schedule))
            if reporter:
                reporter.report_epochs(done.epochs)
        assert done is not None
        return done

    def find(self, network: ViTConfig, *, seed: int, schedule: Schedule) -> Checkpoint | None:
        """Returns the epochs of a training that are done; None if there are none."""
        return checkpoint.load(self.locate(network, seed, schedule))

    def best_model(self, network: ViTConfig, training: Checkpoint) -> keras.Model:
        """Returns the network with the weights of the epoch that was best on the valid split."""
        model = build_vit(network)
        assign_variables(model.variables, training.best_weights)
        return model

    def locate(self, network: ViTConfig, seed: int, schedule: Schedule) -> pathlib.Path:
        """Returns the path of a training's checkpoint."""
        return self.folder / checkpoint.name_file(network, seed, schedule)

    def _trace(self, network: ViTConfig, model: keras.Model | None = None) -> TrainingLoop:
        """Returns the loop of a network, which may use a model of it, after it has run once."""
        if network not in self._loops:
            if len(self._loops) == _MODELS_KEPT:
                del self._loops[next(iter(self._loops))]
            self._loops[network] = TrainingLoop(model or build_vit(network), self.config, self._class_weights)
            self._loops[network].trace()
        return self._loops[network]

    def _initialize(
        self, network: ViTConfig, seed: int, schedule: Schedule, deadline: float | None = None
    ) -> keras.Model:
        """Returns the network with the weights of its backbone, or of the initial model, where they fit.

        The others are random.
        """
        # Keras draws the seeds of initializers and dropout from this generator. `keras.utils.set_random_seed` also
        # seeds TensorFlow, which then drops its cache of kernels and optimizes every graph again: a second or more.
        random.seed(seed)
        model, backbone = build_vit(network), strip_reducer(network)
        trained = self.find_initial_weights(backbone)[0] if self.initial_weights else {}
        if schedule.of_backbone:
            training = self.fit(backbone, seed=seed, schedule=schedule.of_backbone, deadline=deadline)
            trained = dict(zip(_list_shapes(backbone), training.best_weights, strict=True))
        for variable in model.variables:
            if variable.path in trained and _SEED not in variable.path:
                variable.assign(trained[variable.path])
        return model

    def find_initial_weights(self, backbone: ViTConfig) -> tuple[dict[str, np.ndarray], int]:
        """Returns the weights of the initial model that fit a backbone, by path, and how many weights that has."""
        shapes = {path: shape for path, shape in _list_shapes(backbone).items() if _SEED not in path}
        fitting = {
            path: self.initial_weights[path]
            for path, shape in shapes.items()
            if path in self.initial_weights and self.initial_weights[path].shape == shape
        }
        return fitting, len(shapes)

    def _train_epoch(
        self,
        loop: TrainingLoop,
        batches: Iterator[tuple[tf.Tensor, tf.Tensor]],
        schedule: Schedule,
        epoch: int,
        reporter: EpochReporter | None,
    ) -> np.ndarray:
        """Trains one epoch and returns its mean loss and accuracy, [2]."""
        steps = self.config.count_steps(len(self.train))
        sums = np.zeros(2)
        for step, rate in enumerate(list_rates(self.config, schedule.cycles, steps, epoch)):
            images, labels = next(batches)
            sums += loop.step(images, labels, rate)
            if not np.isfinite(sums[0]):
                raise TrainingFailedError(f"the training loss is {sums[0]} in epoch {epoch + 1}")
            if reporter:
                reporter.report_step(epoch, (step + 1) / steps)
        return sums / steps

    def _measure(self, loop: TrainingLoop, done: Checkpoint | None, trained: np.ndarray, begin: float) -> Checkpoint:
        """Evaluates a network on the valid split.

        Args:
            loop: After an epoch.
            done: The epochs before.
            trained: Mean loss and accuracy of the epoch, [2].
            begin: When it began, by the monotonic clock.
        """
        logits = loop.predict(self.valid.stream_images(_VALID_BATCH_SIZE))  # [examples, classes]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(self.valid.labels, logits)
        correct = np.argmax(logits, axis=-1) == self.valid.labels.numpy()
        measured = Epoch(
            epoch=len(done.epochs) + 1 if done else 1,
            train_loss=float(trained[0]),
            train_accuracy=float(trained[1]),
            valid_loss=float(np.mean(losses)),
            valid_accuracy=float(correct.mean()),
            seconds=round(time.monotonic() - begin, 3),
        )
        is_best = done is None or measured.valid_accuracy > done.best_epoch.valid_accuracy
        return Checkpoint(
            epochs=(*(done.epochs if done else ()), measured),
            correct=np.stack([*(done.correct if done else ()), correct]),
            state=loop.state,
            best_weights=loop.read_weights() if done is None or is_best else done.best_weights,
            parameters=loop.model.count_params(),
        )


def _check_time(done: Checkpoint | None, deadline: float | None) -> None:
    """Raises OutOfTimeError if an epoch that takes as long as the last one would end after the deadline."""
    seconds = done.epochs[-1].seconds if done else 0.0
    if deadline is not None and time.time() + seconds > deadline:
        raise OutOfTimeError


@functools.cache
def _list_shapes(network: ViTConfig) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of a network's variables by their paths, in their order."""
    return {variable.path: tuple(variable.shape) for variable in build_vit(network).variables}


def balance_classes(labels: np.ndarray) -> np.ndarray:
    """Returns the weight of each class with which all classes weigh the same, 1 on average over the images.

    Args:
        labels: int64 [examples].

    Returns:
        float32 [classes up to the largest label]; 0 for classes without images.
    """
    counts = np.bincount(labels)
    shares = counts * np.count_nonzero(counts) / len(labels)
    return np.divide(1, shares, out=np.zeros(len(counts)), where=counts > 0).astype(np.float32)
