"""The activation that all of our networks share."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_SCALE = 2 * math.sqrt(2 / math.pi)
_CUBIC = 0.044715


@keras.saving.register_keras_serializable(package="tokenlearner")
def gelu(x: Any) -> Any:
    """Applies the tanh approximation of GELU, as the official TokenLearner code and the Keras example do.

    It equals `keras.activations.gelu(x, approximate=True)` up to rounding, as 0.5 * (1 + tanh(z)) is sigmoid(2z). This
    form and its gradient need 13 element-wise operations in place of 22.

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the same shape and type.

    Reference:
        Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415, section 2.
    """
    return _gelu(x)


@tf.custom_gradient
def _gelu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    square = x * x
    gate = tf.sigmoid(x * (square * (_SCALE * _CUBIC) + _SCALE))

    def backpropagate(upstream: tf.Tensor) -> tf.Tensor:
        of_gate = tf.raw_ops.SigmoidGrad(y=gate, dy=upstream * x)
        return upstream * gate + of_gate * (square * (3 * _SCALE * _CUBIC) + _SCALE)

    return x * gate, backpropagate
