"""The activation that all of our networks share."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tokenlearner")
def gelu(x: Any) -> Any:
    """Applies the tanh approximation of GELU, as the official TokenLearner code and the Keras example do.

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the same shape and type.

    Reference:
        Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415, section 2.
    """
    return keras.activations.gelu(x, approximate=True)
