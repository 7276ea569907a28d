"""Loops: what passes over a network's batches, on one device or on many.

Axes: batch, height, width, channels, classes, examples.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from components.trainer.config import FitConfig, Strategy
from components.trainer.training.optimizer import compile_model
from models.vit import build_vit
from models.vit_config import ViTConfig


class Loop(Protocol):
    """A compiled network, and how it is fitted and asked."""

    model: keras.Model

    def fit(
        self,
        batches: tf.data.Dataset,
        *,
        steps_per_epoch: int,
        initial_epoch: int = 0,
        epochs: int = 1,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Trains from `initial_epoch` up to `epochs`; batches are (images, labels) without end."""

    def predict(self, images: tf.data.Dataset) -> np.ndarray:
        """Returns the logits of all images, float32 [examples, classes]."""


def make_loop(
    network: ViTConfig, config: FitConfig, steps: int, strategy: tf.distribute.Strategy | None = None
) -> Loop:
    """Compiles a network with new weights.

    Args:
        network: What is built.
        config: How it is trained.
        steps: Updates of the whole training.
        strategy: Whose devices share each batch; None: Keras's own loop, on one device.

    Raises:
        ValueError: If there are more devices than images in a batch.
    """
    if strategy is None:
        model = build_vit(network)
        compile_model(model, config, steps)
        return KerasLoop(model)
    replicas = strategy.num_replicas_in_sync
    if config.batch_size < replicas:
        raise ValueError(f"fit.batch_size is {config.batch_size}, of which not all {replicas} devices get an image")
    with strategy.scope():
        model = build_vit(network)
        compile_model(model, config, steps)
    return ReplicaLoop(model, strategy)


def make_strategy(name: Strategy) -> tf.distribute.Strategy | None:
    """Makes the strategy that shares batches out.

    Args:
        name: "default": one device. "mirrored": all GPUs of this machine, or its CPU where it has none.

    Returns:
        The strategy; None for "default".

    Reference:
        https://www.tensorflow.org/guide/distributed_training
    """
    if name == "default":
        return None
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


class KerasLoop:
    """Keras's own loop, on one device.

    Args:
        model: Compiled.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._answer = _trace_answers(lambda images: model(images, training=False), model)

    def fit(self, batches: tf.data.Dataset, **settings: Any) -> None:
        """Trains, as `Loop` tells."""
        self.model.fit(batches, verbose=0, **settings)

    def predict(self, images: tf.data.Dataset) -> np.ndarray:
        """Returns logits, as `Loop` tells; Keras's own `predict` is traced anew for a second size of batch."""
        return np.concatenate([self._answer(batch).numpy() for batch in images])


class ReplicaLoop:
    """A loop over all devices of a strategy: each has the same weights, and trains on its share of each batch.

    The batches are those of one device. The gradients are summed before they are clipped, so that updates are, too, but
    for the order of sums; batch norm takes mean and variance of each share by itself, and averages what it keeps. Keras
    3 clips each device's gradients by itself.

    Args:
        model: Built and compiled within the scope of the strategy.
        strategy: That is synchronous.

    Reference:
        Goyal et al., arXiv 1706.02677, "Subtleties and pitfalls of distributed SGD", on gradient aggregation: what a
        share of a batch has to be divided by.
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy) -> None:
        self.model = model
        self._strategy = strategy
        self._train = tf.function(self._train_together, reduce_retracing=True, autograph=False)
        self._answer = _trace_answers(self._answer_together, model)

    def fit(
        self,
        batches: tf.data.Dataset,
        *,
        steps_per_epoch: int,
        initial_epoch: int = 0,
        epochs: int = 1,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Trains, as `Loop` tells."""
        told = keras.callbacks.CallbackList(list(callbacks), model=self.model, epochs=epochs, steps=steps_per_epoch)
        stream = iter(batches)
        self.model.stop_training = False
        told.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            told.on_epoch_begin(epoch)
            logs: dict[str, float] = {}
            sums = np.zeros(2)
            for step in range(steps_per_epoch):
                sums += self._train(*next(stream)).numpy()
                loss, accuracy = sums / (step + 1)
                logs = {"loss": float(loss), "accuracy": float(accuracy)}
                told.on_train_batch_end(step, logs)
                if self.model.stop_training:  # TerminateOnNaN; the loss is that of all devices, and so is the decision
                    break
            told.on_epoch_end(epoch, logs)
            if self.model.stop_training:
                break
        told.on_train_end()

    def predict(self, images: tf.data.Dataset) -> np.ndarray:
        """Returns logits, as `Loop` tells."""
        return np.concatenate([self._answer(batch).numpy() for batch in images])

    def _train_together(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Updates the weights; returns mean loss and accuracy of the batch before that, float32 [2]."""
        measured = self._strategy.run(self._train_on_share, (images, labels))
        return self._strategy.reduce("SUM", measured, axis=None)

    def _train_on_share(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Updates a device's weights as the whole batch wants it; returns what its share adds to loss and accuracy."""
        size = tf.cast(tf.shape(images)[0], tf.float32)
        images, labels = _take_share(images), _take_share(labels)
        with tf.GradientTape() as tape:
            logits = self.model(images, training=True)  # [batch / replicas, classes]
            loss = tf.reduce_sum(self.model.loss.call(labels, logits)) / size
        gradients = tape.gradient(loss, [variable.value for variable in self.model.trainable_variables])
        correct = tf.cast(tf.argmax(logits, axis=-1) == labels, tf.float32)
        summed = tf.distribute.get_replica_context().all_reduce("SUM", gradients)
        self.model.optimizer.apply(summed, self.model.trainable_variables)
        return tf.stack([loss, tf.reduce_sum(correct) / size])

    def _answer_together(self, images: tf.Tensor) -> tf.Tensor:
        # Every device gets an image: oneDNN's convolution of an empty batch has a shape that the next one rejects.
        size = tf.shape(images)[0]
        missing = tf.math.floormod(-size, self._strategy.num_replicas_in_sync)
        padded = tf.concat([images, tf.repeat(images[:1], missing, axis=0)], axis=0)
        logits = self._strategy.run(lambda batch: self.model(_take_share(batch), training=False), (padded,))
        return self._strategy.gather(logits, axis=0)[:size]  # [batch, classes], in the order of the replicas


def _trace_answers(answer: Callable[[tf.Tensor], tf.Tensor], model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Traces what answers images, once for all sizes of batch."""
    signature = [tf.TensorSpec(model.input_shape, tf.float32)]  # [batch, height, width, channels]
    return tf.function(answer, input_signature=signature, autograph=False)


def _take_share(batch: tf.Tensor) -> tf.Tensor:
    """Returns the part of a batch that is this replica's; all parts together are the batch, whatever its size."""
    context = tf.distribute.get_replica_context()
    replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
    size = tf.shape(batch)[0]
    return batch[size * replica // replicas : size * (replica + 1) // replicas]
