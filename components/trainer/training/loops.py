"""Training loops over a network's batches, on one device or on several.

Axes: batch, height, width, channels, classes, examples.
"""

import contextlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from components.trainer.config import FitConfig, Strategy
from components.trainer.training.optimizer import compile_model
from models.vit import build_vit
from models.vit_config import ViTConfig


def make_loop(network: ViTConfig, config: FitConfig, strategy: tf.distribute.Strategy | None = None) -> "KerasLoop":
    """Compiles a network with new weights; `set_steps` gives its schedule the length of a training.

    Args:
        network: The network.
        config: How it is trained.
        strategy: Whose devices share each batch; None: Keras's own loop, on one device.

    Raises:
        ValueError: If there are more devices than images in a batch.
    """
    if strategy and config.batch_size < strategy.num_replicas_in_sync:
        least = strategy.num_replicas_in_sync
        raise ValueError(f"fit.batch_size is {config.batch_size}; it must be at least {least}, the number of devices")
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = build_vit(network)
        compile_model(model, config, steps=1)
    return ReplicaLoop(model, strategy) if strategy else KerasLoop(model)


def make_strategy(name: Strategy) -> tf.distribute.Strategy | None:
    """Makes the strategy that distributes batches.

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
        signature = [tf.TensorSpec(model.input_shape, tf.float32)]  # traced once for all sizes of batch
        self._predict_batch = tf.function(self._predict, input_signature=signature, autograph=False)

    def fit(
        self, batches: tf.data.Dataset, steps: int, epochs: range, callbacks: Sequence[keras.callbacks.Callback] = ()
    ) -> None:
        """Trains some epochs, counted from 0, of so many steps; batches are (images, labels) without end."""
        self.model.fit(
            batches,
            verbose=0,
            steps_per_epoch=steps,
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            callbacks=list(callbacks),
        )

    def predict(self, images: tf.data.Dataset) -> np.ndarray:
        """Returns the logits of all images, float32 [examples, classes]."""
        return np.concatenate([self._predict_batch(batch).numpy() for batch in images])

    def _predict(self, images: tf.Tensor) -> tf.Tensor:
        return self.model(images, training=False)


class ReplicaLoop(KerasLoop):
    """A loop over all devices of a strategy: each has the same weights, and trains on its share of each batch.

    The gradients are summed before they are clipped, so updates are those of one device but for the order of sums.
    Batch norm takes mean and variance of each share by itself, and averages the moving ones. Keras 3 clips the
    gradients of each device by themselves.

    Args:
        model: Built and compiled within the scope of the strategy.
        strategy: A synchronous one.

    Reference:
        Goyal et al., arXiv 1706.02677, "Subtleties and pitfalls of distributed SGD", on gradient aggregation: how to
        scale the loss of a share.
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy) -> None:
        super().__init__(model)
        self._strategy = strategy
        self._train = tf.function(self._train_together, reduce_retracing=True, autograph=False)

    def fit(
        self, batches: tf.data.Dataset, steps: int, epochs: range, callbacks: Sequence[keras.callbacks.Callback] = ()
    ) -> None:
        """Trains some epochs, as `KerasLoop` does."""
        observers = keras.callbacks.CallbackList(list(callbacks), model=self.model, epochs=epochs.stop, steps=steps)
        stream = iter(batches)
        self.model.stop_training = False
        observers.on_train_begin()
        for epoch in epochs:
            observers.on_epoch_begin(epoch)
            logs: dict[str, float] = {}
            sums = np.zeros(2)
            for step in range(steps):
                sums += self._train(*next(stream)).numpy()
                loss, accuracy = sums / (step + 1)
                logs = {"loss": float(loss), "accuracy": float(accuracy)}
                observers.on_train_batch_end(step, logs)
                if self.model.stop_training:  # by TerminateOnNaN, for all devices, which share the loss
                    break
            observers.on_epoch_end(epoch, logs)
            if self.model.stop_training:
                break
        observers.on_train_end()

    def _train_together(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Updates the weights; returns mean loss and accuracy of the batch before that, float32 [2]."""
        measured = self._strategy.run(self._train_on_share, (images, labels))
        return self._strategy.reduce("SUM", measured, axis=None)

    def _train_on_share(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Updates a device's weights with the gradients of the whole batch; returns its part of loss and accuracy."""
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

    def _predict(self, images: tf.Tensor) -> tf.Tensor:
        # Every device gets an image: oneDNN's convolution of an empty batch has a shape that the next one rejects.
        size = tf.shape(images)[0]
        missing = tf.math.floormod(-size, self._strategy.num_replicas_in_sync)
        padded = tf.concat([images, tf.repeat(images[:1], missing, axis=0)], axis=0)
        logits = self._strategy.run(lambda batch: self.model(_take_share(batch), training=False), (padded,))
        return self._strategy.gather(logits, axis=0)[:size]  # [batch, classes], in the order of the replicas


def _take_share(batch: tf.Tensor) -> tf.Tensor:
    """Returns this replica's part of a batch; all parts together are the batch, whatever its size."""
    context = tf.distribute.get_replica_context()
    replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
    size = tf.shape(batch)[0]
    return batch[size * replica // replicas : size * (replica + 1) // replicas]
