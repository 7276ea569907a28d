"""The equations of the papers in plain numpy, float64; what the layers compute is compared with them."""

import numpy as np


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Returns a layer norm over the last axis, its epsilon a millionth."""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * gamma + beta


def gelu(x: np.ndarray) -> np.ndarray:
    """Returns the tanh approximation of GELU, as in the official TokenLearner code."""
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
