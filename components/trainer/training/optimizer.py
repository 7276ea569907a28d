"""The optimizers Muon and AdamW, each for all weights of a network in one vector.

Axes: parameters, matrices, rows, columns.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from components.trainer.config import FitConfig

_MOMENTUM = 0.95  # Muon's
_ITERATIONS = 5  # of Newton and Schulz
_SCALE = 0.2  # gives Muon's updates the size of Adam's, so that both take the same learning rate and weight decay


class VectorOptimizer:
    """Updates a vector of weights; an update is a handful of operations, however many weights there are.

    Kernels decay, as with AdamW. "muon" makes the momentum of each kernel, [inputs, outputs], orthogonal, except for
    the first and the last kernel of the network; all other weights are updated by Adam.

    Args:
        parameters: The vector, [parameters].
        weights: The trainable weights whose values it holds, in its order.
        config: Names the optimizer, its weight decay and gradient clipping.

    Reference:
        Loshchilov and Hutter, arXiv 1711.05101, algorithm 2 (AdamW; here it decays kernels only); Jordan et al., "Muon:
        An optimizer for hidden layers in neural networks", 2024; Liu et al., arXiv 2502.16982, equation 4 (its scale).
    """

    def __init__(self, parameters: keras.Variable, weights: Sequence[keras.Variable], config: FitConfig) -> None:
        self._parameters = parameters
        self._config = config
        self._shapes = [tuple(weight.shape) for weight in weights]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        kernels = [i for i, weight in enumerate(weights) if weight.name.endswith("kernel")]
        self._decayed = self._mask(kernels)
        self._matrices = kernels[1:-1] if config.optimizer == "muon" else []
        self._by_adam = 1 - self._mask(self._matrices)
        self._muon = keras.optimizers.Muon(ns_steps=_ITERATIONS)  # for its Newton-Schulz iteration
        self._adam = make_adam(config)
        self._adam.build([parameters])
        momentum = np.zeros(sum(self._sizes) if self._matrices else 0, np.float32)
        self._momentum = keras.Variable(momentum, name="momentum")

    @property
    def variables(self) -> list[keras.Variable]:
        """Its state, zero before the first update."""
        return [*self._adam.variables, self._momentum]

    @property
    def iterations(self) -> tf.Tensor:
        """Number of updates so far."""
        return tf.convert_to_tensor(self._adam.iterations)

    def update(self, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        """Changes the vector.

        Args:
            gradient: Of the loss, [parameters].
            rate: Learning rate.
        """
        self._parameters.assign_sub(self._parameters * (rate * self._config.weight_decay * self._decayed))
        if self._matrices:
            self._momentum.assign(_MOMENTUM * self._momentum + gradient)
            direction = gradient + _MOMENTUM * tf.convert_to_tensor(self._momentum)  # Nesterov's
            self._parameters.assign_sub(rate * self._orthogonalize(direction))
            gradient *= self._by_adam
        self._adam.learning_rate.assign(rate)
        self._adam.apply([gradient], [self._parameters])

    def _orthogonalize(self, direction: tf.Tensor) -> tf.Tensor:
        """Makes the matrices in a vector orthogonal, all of one shape at once; the rest of it becomes 0."""
        parts = tf.split(direction, self._sizes)
        by_shape: dict[tuple[int, int], list[int]] = {}
        for i in self._matrices:
            columns = self._shapes[i][-1]
            by_shape.setdefault((self._sizes[i] // columns, columns), []).append(i)
        updates = [tf.zeros(size) for size in self._sizes]
        for shape, members in by_shape.items():
            matrices = tf.stack([tf.reshape(parts[i], shape) for i in members])  # [matrices, rows, columns]
            orthogonal = self._muon.zeropower_via_newtonschulz5(matrices, self._muon.ns_steps)
            for i, matrix in zip(members, tf.unstack(orthogonal * _SCALE * max(shape) ** 0.5), strict=True):
                updates[i] = tf.reshape(matrix, [-1])
        return tf.concat(updates, axis=0)

    def _mask(self, members: Sequence[int]) -> np.ndarray:
        """Returns 1 for the parameters of some weights and 0 for all others, float32 [parameters]."""
        is_member = np.isin(np.arange(len(self._sizes)), members).astype(np.float32)
        return np.repeat(is_member, self._sizes)


def make_adam(config: FitConfig) -> keras.optimizers.Adam:
    """Makes Keras's optimizer; each update sets its learning rate, and decays weights outside of it."""
    return keras.optimizers.Adam(0.0, global_clipnorm=config.gradient_clip_norm)
