"""Runs TensorFlow Lite models.

Axes: batch, height, width, channels, classes.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Classify = Callable[[np.ndarray], np.ndarray]  # uint8 [1, height, width, channels] -> float32 [1, classes]


def load_lite_model(file: str) -> Classify:
    """Returns a function that classifies one image with a TensorFlow Lite model, on one thread.

    Raises:
        RuntimeError, ValueError: If TensorFlow Lite cannot run the model.
    """
    interpreter = open_interpreter(file)
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def classify(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(entry, image)
        interpreter.invoke()
        probabilities: np.ndarray = interpreter.get_tensor(result)
        return probabilities

    return classify


def open_interpreter(file: str) -> Any:
    """Opens a model, which may be in a bucket; TensorFlow 2.19 and later warn that LiteRT will replace it."""
    with warnings.catch_warnings(), tf.io.gfile.GFile(file, "rb") as content:
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        return tf.lite.Interpreter(model_content=content.read())
