"""One network's training step, as the Trainer compiles it, fed by any batches."""

import functools
import time
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from benchmarks.result import Row
from benchmarks.rounds import take_turns
from components import features
from components.trainer.config import FitConfig
from components.trainer.training.optimizer import compile_model
from models.vit import build_vit
from models.vit_config import ViTConfig

_SCHEDULE_STEPS = 1000  # of the learning rate, which does not change the time
_SEED = 1


def build_compiled(
    network: ViTConfig, fit: FitConfig, change: Callable[[keras.Model], keras.Model] | None = None
) -> keras.Model:
    """Builds a network with new weights and compiles it as the Trainer does.

    Args:
        network: What is built.
        fit: How it is to be trained.
        change: Makes of what was built what is compiled.

    Returns:
        The compiled model.
    """
    keras.utils.set_random_seed(_SEED)
    model = build_vit(network)
    model = change(model) if change else model
    compile_model(model, fit, _SCHEDULE_STEPS)
    return model


class Training:
    """A network that is trained for some seconds at a time.

    Args:
        model: Compiled.
        batch_size: Images.
        batches: (images, labels) without end; None: one random batch over and over, so that no input is waited for.
    """

    def __init__(self, model: keras.Model, batch_size: int, batches: tf.data.Dataset | None = None) -> None:
        self._images = batch_size * model.steps_per_execution  # of an execution
        self._batches = _repeat_batch(model.input_shape, batch_size) if batches is None else batches
        self._model = model
        begin = time.monotonic()
        self._fit(1)  # traces
        self.tracing_seconds = time.monotonic() - begin
        begin = time.monotonic()
        self._fit(2)
        self._seconds = (time.monotonic() - begin) / 2  # of an execution

    @classmethod
    def of(cls, network: ViTConfig, fit: FitConfig, batches: tf.data.Dataset | None = None) -> "Training":
        """Builds a network and compiles it as the Trainer does."""
        return cls(build_compiled(network, fit), fit.batch_size, batches)

    def measure(self, seconds: float) -> float:
        """Trains for so many seconds, about, and at least one execution of the model (Keras's default: one step).

        Returns:
            Images a second.
        """
        executions = max(1, round(seconds / self._seconds))
        begin = time.monotonic()
        self._fit(executions)
        return executions * self._images / (time.monotonic() - begin)

    def _fit(self, executions: int) -> None:
        self._model.fit(self._batches, steps_per_epoch=executions * self._model.steps_per_execution, verbose=0)


def measure_speeds(trained: Mapping[str, tuple[ViTConfig, FitConfig]], rounds: int, seconds: float) -> list[Row]:
    """Trains networks in turns, each for so many seconds a round.

    Returns:
        A row a round, of the kind "speed", with the images a second under each name; no row where there is no round.
    """
    if not rounds:
        return []  # tracing takes longer than a short form may
    ways = {name: functools.partial(Training.of(*what).measure, seconds) for name, what in trained.items()}
    return [{"kind": "speed", **row} for row in take_turns(ways, rounds)]


def _repeat_batch(input_shape: tuple[int | None, ...], batch_size: int) -> tf.data.Dataset:
    images = tf.random.stateless_normal((batch_size, *input_shape[1:]), seed=[_SEED, 0])
    labels = tf.random.stateless_uniform([batch_size], [_SEED, 1], maxval=features.NUM_CLASSES, dtype=tf.int64)
    return tf.data.Dataset.from_tensors((images, labels)).repeat()
