"""Measures an exported model and its TensorFlow Lite models on the same test images: accuracy, size, latency.

Axes: images, height, width, channels, classes.
"""

import dataclasses
import pathlib
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components import signatures
from components.artifacts.lite_comparison import VariantName
from components.lite_converter.images import Images

_WARM_UP_REQUESTS = 20
_TIMED_REQUESTS = 200

Classify = Callable[[np.ndarray], np.ndarray]  # uint8 [1, height, width, channels] -> float32 [1, classes]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Latency:
    """How long a request with one image takes."""

    p50_seconds: float
    p95_seconds: float


def load_saved_model(folder: pathlib.Path) -> Classify:
    """Returns what answers one image by the signature that servers call."""
    signature = tf.saved_model.load(str(folder)).signatures[signatures.SERVE_IMAGES]
    return lambda image: signature(images=tf.constant(image))[signatures.PROBABILITIES].numpy()


def load_lite_model(file: pathlib.Path) -> Classify:
    """Returns what answers one image by TensorFlow Lite, on one thread as it does by default."""
    interpreter = open_interpreter(file)
    interpreter.allocate_tensors()
    entry, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def classify(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(entry, image)
        interpreter.invoke()
        probabilities: np.ndarray = interpreter.get_tensor(answer)
        return probabilities

    return classify


def open_interpreter(file: pathlib.Path) -> Any:
    """Opens a model in TensorFlow's interpreter; from 2.19 on it warns that LiteRT will take its place."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        return tf.lite.Interpreter(str(file))


def find_right(classify: Classify, batches: Iterable[Images]) -> np.ndarray:
    """Finds the images whose label a model predicts.

    One image at a time is what a TensorFlow Lite model is for, and as fast as batches: its data stays in the
    processor's cache.

    Args:
        classify: The model.
        batches: Of all images.

    Returns:
        Whether it is right, bool [images], in the alphabetical order of the ids.
    """
    ids, right = [], []
    for batch in batches:
        for name, image, label in zip(*batch, strict=True):
            ids.append(name)
            right.append(classify(image[np.newaxis]).argmax() == label)
    return np.array(right)[np.argsort(ids)]


def time_in_turns(models: Mapping[VariantName, Classify], pixels: np.ndarray) -> dict[VariantName, Latency]:
    """Times requests, the models in turns, so that a slow moment of the machine meets all of them.

    Args:
        models: By name.
        pixels: What is asked for, again and again from the first; uint8 [images, height, width, channels].

    Returns:
        Latency by name.
    """
    seconds: dict[VariantName, list[float]] = {name: [] for name in models}
    for request in range(_WARM_UP_REQUESTS + _TIMED_REQUESTS):
        image = pixels[request % len(pixels)][np.newaxis]
        for name, classify in models.items():
            begin = time.perf_counter()
            classify(image)
            seconds[name].append(time.perf_counter() - begin)
    return {
        name: Latency(
            p50_seconds=float(np.quantile(times[_WARM_UP_REQUESTS:], 0.5)),
            p95_seconds=float(np.quantile(times[_WARM_UP_REQUESTS:], 0.95)),
        )
        for name, times in seconds.items()
    }


def measure_size(path: pathlib.Path) -> int:
    """Returns the bytes of a file, or of all files in a folder."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
