"""The loop that trains one network: replicas that share each batch, and one vector of all parameters.

Axes: batch, height, width, channels, classes, examples.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from components.trainer.config import FitConfig
from components.trainer.training.optimizer import VectorOptimizer


class TrainingLoop:
    """Trains a network, and evaluates the moving average of its weights.

    Each replica computes the gradients of its share of every batch, side by side with the others; their sum, which is
    the gradient of the whole batch, is clipped and applied once. Batch norm takes mean and variance of each share by
    itself and averages the moving ones. On a CPU two replicas of one thread each train up to 1.4 times as many images a
    second as one of two threads, because most operations of a small network are too small to share.

    All trainable weights are slices of one vector, so that an update is a handful of operations instead of ten for each
    weight, and takes a tenth of the time to trace.

    Args:
        model: The network, from `build_vit`; its weights and those of a training have nothing to do with each other.
        config: Optimizer, label smoothing, replicas.
        class_weights: Of each image's loss by its label, float32 [classes]; None: 1.

    Reference:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992;
        Hoffer et al., arXiv 1705.08741, section 4 (batch norm by shares).
    """

    def __init__(self, model: keras.Model, config: FitConfig, class_weights: np.ndarray | None = None) -> None:
        self.model = model
        self._class_weights = class_weights
        self._config = config
        self._devices = list_devices(config)
        trainable = self.model.trainable_variables
        self._shapes = [tuple(variable.shape) for variable in trainable]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._parameters = keras.Variable(np.zeros(sum(self._sizes), np.float32), name="parameters")
        self._average = keras.Variable(self._parameters, name="average") if config.ema_momentum else self._parameters
        self._optimizer = VectorOptimizer(self._parameters, trainable, config)
        # Traced once for replicas of equal shares; TensorFlow then inlines both calls.
        self._differentiate_share = tf.function(self._differentiate, autograph=False)
        self._classify_share = tf.function(self._classify, autograph=False)
        self._step = tf.function(self._train_on_batch, autograph=False)
        signature = [tf.TensorSpec(self.model.input_shape, tf.float32)]  # traced once for all sizes of batch
        self._predict_batch = tf.function(self._predict, input_signature=signature, autograph=False)

    @property
    def state(self) -> tuple[np.ndarray, ...]:
        """All that a training depends on; `state[0]` is the vector of parameters."""
        return read_variables(self._variables)

    @state.setter
    def state(self, values: Sequence[np.ndarray]) -> None:
        assign_variables(self._variables, values)

    @property
    def replicas(self) -> int:
        """How many share a batch."""
        return len(self._devices)

    @property
    def _variables(self) -> list[keras.Variable]:
        averages = [self._average] if self._average is not self._parameters else []
        return [self._parameters, *averages, *self.model.non_trainable_variables, *self._optimizer.variables]

    def start(self, weights: Sequence[np.ndarray]) -> None:
        """Begins a training with the values of the model's variables, in their order."""
        assign_variables(self.model.variables, weights)
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        self._parameters.assign(np.concatenate([np.ravel(weight) for weight in self.model.trainable_variables]))
        self._average.assign(self._parameters)

    def read_weights(self) -> tuple[np.ndarray, ...]:
        """Returns the moving average of the weights, in the order of the model's variables."""
        values = np.split(np.array(self._average), np.cumsum(self._sizes)[:-1])
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value.reshape(variable.shape))
        return read_variables(self.model.variables)

    def trace(self) -> None:
        """Runs everything once, so that no later call takes the seconds of tracing; the state is meaningless then."""
        shape, size = self.model.input_shape[1:], self._config.batch_size
        self.step(tf.zeros((size, *shape)), tf.zeros(size, tf.int64), rate=0.0)
        self._predict_batch(tf.zeros((1, *shape)))

    def step(self, images: tf.Tensor, labels: tf.Tensor, rate: float) -> np.ndarray:
        """Updates the weights.

        Args:
            images: Normalized, float32 [batch, height, width, channels].
            labels: int64 [batch].
            rate: Learning rate.

        Returns:
            Mean loss and accuracy of the batch before the update, float32 [2].
        """
        measured: np.ndarray = self._step(images, labels, tf.constant(rate)).numpy()
        return measured

    def predict(self, images: tf.data.Dataset) -> np.ndarray:
        """Returns the logits of all images by the moving average of the weights, float32 [examples, classes]."""
        return np.concatenate([self._predict_batch(batch).numpy() for batch in images])

    def _train_on_batch(self, images: tf.Tensor, labels: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        parameters = tf.convert_to_tensor(self._parameters)
        moving = [tf.convert_to_tensor(variable) for variable in self.model.non_trainable_variables]
        outcomes = []
        for replica, device in enumerate(self._devices):
            with tf.device(device):
                share = (_take_share(images, replica, self.replicas), _take_share(labels, replica, self.replicas))
                outcomes.append(self._differentiate_share(parameters, moving, *share, tf.constant(replica)))
        gradients, states, measured = zip(*outcomes, strict=True)
        for variable, values in zip(self.model.non_trainable_variables, zip(*states, strict=True), strict=True):
            variable.assign(tf.add_n(values) / self.replicas if values[0].dtype.is_floating else values[0])
        self._update(tf.add_n(gradients), rate)
        return tf.add_n(measured)

    def _differentiate(
        self, parameters: tf.Tensor, moving: list[tf.Tensor], images: tf.Tensor, labels: tf.Tensor, replica: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Returns gradient, moving averages, and loss and accuracy, of a share as its part of the batch."""
        state = [value if value.dtype.is_floating else _vary_seed(value, replica) for value in moving]
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            weights = self._split(parameters)
            logits, state = self.model.stateless_call(weights, state, images, training=True)  # [share, classes]
            losses = smoothed_crossentropy(labels, logits, self._config.label_smoothing)
            if self._class_weights is not None:
                losses *= tf.gather(self._class_weights, labels)
            loss = tf.reduce_sum(losses) / self._config.batch_size
        gradient = tape.gradient(loss, parameters)
        correct = tf.reduce_sum(tf.cast(tf.argmax(logits, axis=-1) == labels, tf.float32))
        return gradient, state, tf.stack([loss, correct / self._config.batch_size])

    def _update(self, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        self._optimizer.update(gradient, rate)
        if self._average is not self._parameters:
            is_first = self._optimizer.iterations == 1  # the average begins with these weights
            newness = tf.where(is_first, 1.0, 1.0 - self._config.ema_momentum)
            self._average.assign_sub(newness * (self._average - self._parameters))

    def _predict(self, images: tf.Tensor) -> tf.Tensor:
        # Every replica gets an image: oneDNN's convolution of an empty batch has a shape that the next one rejects.
        size = tf.shape(images)[0]
        padded = tf.concat([images, tf.repeat(images[:1], tf.math.floormod(-size, self.replicas), axis=0)], axis=0)
        parameters = tf.convert_to_tensor(self._average)
        logits = []
        for replica, device in enumerate(self._devices):
            with tf.device(device):
                logits.append(self._classify_share(parameters, _take_share(padded, replica, self.replicas)))
        return tf.concat(logits, axis=0)[:size]

    def _classify(self, parameters: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        moving = [tf.convert_to_tensor(variable) for variable in self.model.non_trainable_variables]
        logits, _ = self.model.stateless_call(self._split(parameters), moving, images, training=False)
        return logits

    def _split(self, parameters: tf.Tensor) -> list[tf.Tensor]:
        parts = tf.split(parameters, self._sizes)
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]


def read_variables(variables: Sequence[keras.Variable]) -> tuple[np.ndarray, ...]:
    """Returns the values of variables."""
    return tuple(np.array(variable) for variable in variables)


def assign_variables(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Gives variables the values that `read_variables` returned."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def list_devices(config: FitConfig) -> list[str | None]:
    """Lists the device of each replica; None: TensorFlow's choice.

    Raises:
        ValueError: If there are more replicas than images in a batch.
    """
    devices: list[str | None] = [None] * config.replicas
    if config.strategy == "mirrored":
        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        devices = [device.name for device in found]
    if config.batch_size < len(devices):
        raise ValueError(
            f"--fit.batch-size is {config.batch_size}; it must be at least {len(devices)}, the number of devices"
        )
    return devices


def smoothed_crossentropy(labels: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Computes the cross-entropy against smoothed labels (Keras smooths one-hot labels only).

    Args:
        labels: int64 [batch].
        logits: float32 [batch, classes].
        smoothing: Share of the probability spread evenly over all classes, 0..1.

    Returns:
        The loss of each example, [batch].

    Reference:
        Szegedy et al., arXiv 1512.00567, section 7.
    """
    classes = logits.shape[-1]
    smoothed = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(smoothed, logits)


def _take_share(batch: tf.Tensor, replica: int, replicas: int) -> tf.Tensor:
    """Returns a replica's part of a batch; all parts together are the batch, whatever its size."""
    size = batch.shape[0] or tf.shape(batch)[0]
    return batch[size * replica // replicas : size * (replica + 1) // replicas]


def _vary_seed(seed: tf.Tensor, replica: tf.Tensor) -> tf.Tensor:
    """Returns another state of a Keras SeedGenerator, [seed, draws], for each replica: masks of dropout differ."""
    return seed + tf.cast(tf.stack([replica, tf.zeros_like(replica)]), seed.dtype)
