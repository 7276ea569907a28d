"""One network's training step, as the Trainer compiles it, fed by any batches."""

import functools
import time
from collections.abc import Mapping

import keras
import tensorflow as tf

from benchmarks.result import Row
from benchmarks.rounds import take_turns
from components import features
from components.trainer.config import FitConfig
from components.trainer.fit.optimization import compile_model
from models.vit import build_vit
from models.vit_config import ViTConfig

_SCHEDULE_STEPS = 1000  # of the learning rate, which does not change the time
_SEED = 1


class Training:
    """A network that is trained for some seconds at a time.

    Args:
        network: What is trained.
        fit: How.
        batches: (images, labels) without end; None: one random batch over and over, so that no input is waited for.
    """

    def __init__(self, network: ViTConfig, fit: FitConfig, batches: tf.data.Dataset | None = None) -> None:
        keras.utils.set_random_seed(_SEED)
        self._batch_size = fit.batch_size
        self._batches = _repeat_batch(network, fit.batch_size) if batches is None else batches
        self._model = build_vit(network)
        compile_model(self._model, fit, _SCHEDULE_STEPS)
        self._fit(1)  # traces
        begin = time.monotonic()
        self._fit(2)
        self._step_seconds = (time.monotonic() - begin) / 2

    def measure(self, seconds: float) -> float:
        """Trains for so many seconds, about, and at least one step.

        Returns:
            Images a second.
        """
        steps = max(1, round(seconds / self._step_seconds))
        begin = time.monotonic()
        self._fit(steps)
        return steps * self._batch_size / (time.monotonic() - begin)

    def _fit(self, steps: int) -> None:
        self._model.fit(self._batches, steps_per_epoch=steps, verbose=0)


def measure_speeds(trained: Mapping[str, tuple[ViTConfig, FitConfig]], rounds: int, seconds: float) -> list[Row]:
    """Trains networks in turns, each for so many seconds a round.

    Returns:
        A row a round, of the kind "speed", with the images a second under each name; no row where there is no round.
    """
    if not rounds:
        return []  # tracing takes longer than a short form may
    ways = {name: functools.partial(Training(*what).measure, seconds) for name, what in trained.items()}
    return [{"kind": "speed", **row} for row in take_turns(ways, rounds)]


def _repeat_batch(network: ViTConfig, batch_size: int) -> tf.data.Dataset:
    shape = (batch_size, network.image_size, network.image_size, 3)
    images = tf.random.stateless_normal(shape, seed=[_SEED, 0])
    labels = tf.random.stateless_uniform([batch_size], [_SEED, 1], maxval=features.NUM_CLASSES, dtype=tf.int64)
    return tf.data.Dataset.from_tensors((images, labels)).repeat()
