"""Makes the TensorFlow Lite models of an exported model and measures their size and speed.

Axes: images, height, width, channels.
"""

import pathlib
import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components import features, signatures
from components.artifacts.image_task import ImageTask
from components.artifacts.lite_comparison import LITE_NAMES, Conversion, FailedModel, Form, VariantName
from components.lite_converter.convert import convert_models, locate_lite_model
from components.lite_model import Classify, load_lite_model
from components.transform import decode_images

_WARM_UP_REQUESTS = 20
_TIMED_REQUESTS = 200


def make_lite_models(saved_model: pathlib.Path, images: np.ndarray, folder: pathlib.Path) -> Conversion:
    """Converts and times a model.

    Args:
        saved_model: As the Trainer exports it.
        images: Calibrate the int8 model, and are classified to time all forms; uint8 [images, height, width, channels].
        folder: Gets the TensorFlow Lite models.

    Returns:
        The forms, and why a model cannot be converted or does not run.
    """
    failures = convert_models(saved_model, images, folder)
    files: dict[VariantName, pathlib.Path] = {"saved_model": saved_model}
    models: dict[VariantName, Classify] = {"saved_model": _load_saved_model(saved_model)}
    for name in [name for name in LITE_NAMES if name not in failures]:
        file = locate_lite_model(folder, name)
        try:
            model = load_lite_model(str(file))
            model(images[:1])
        except (RuntimeError, ValueError) as error:  # of the interpreter: not every operator takes every type
            failures[name] = str(error).splitlines()[0]
        else:
            files[name], models[name] = file, model
    seconds = time_in_turns(models, images)
    forms = tuple(
        Form(
            name=name,
            file=None if name == "saved_model" else file.name,
            size_bytes=sum(each.stat().st_size for each in (file, *file.rglob("*")) if each.is_file()),
            p50_seconds=float(np.quantile(seconds[name], 0.5)),
            p95_seconds=float(np.quantile(seconds[name], 0.95)),
        )
        for name, file in files.items()
    )
    return Conversion(forms=forms, failed=tuple(describe_failure(*failure) for failure in failures.items()))


def describe_failure(name: VariantName, reason: str) -> FailedModel:
    """Describes a TensorFlow Lite model that cannot be converted or does not run."""
    return FailedModel(
        name=name, message=f"not pushed: TensorFlow Lite does not support this network: {reason.rstrip('.')}"
    )


def time_in_turns(models: Mapping[VariantName, Classify], images: np.ndarray) -> dict[VariantName, list[float]]:
    """Times requests with one image, the models in turns, so that a slow moment of the machine meets all of them.

    Args:
        models: By name.
        images: Classified in turn, uint8 [images, height, width, channels].

    Returns:
        Seconds of each request by name, without the first ones.
    """
    seconds: dict[VariantName, list[float]] = {name: [] for name in models}
    for request in range(_WARM_UP_REQUESTS + _TIMED_REQUESTS):
        image = images[request % len(images)][np.newaxis]
        for name, classify in models.items():
            begin = time.perf_counter()
            classify(image)
            seconds[name].append(time.perf_counter() - begin)
    return {name: times[_WARM_UP_REQUESTS:] for name, times in seconds.items()}


def choose_images(split: pathlib.Path, task: ImageTask, count: int) -> np.ndarray:
    """Chooses the first images of each class.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
        task: Classes and image size.
        count: Images in all, equally many of each class, but at least one; a class may have fewer.

    Returns:
        uint8 [images, height, width, channels], in the order of the records.
    """
    spec = {
        features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    records = tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())])
    classes = len(task.class_names)
    left = np.full(classes, max(1, count // classes))
    chosen = []
    for example in records.map(lambda record: tf.io.parse_single_example(record, spec)).as_numpy_iterator():
        if left[example[features.LABEL]]:
            left[example[features.LABEL]] -= 1
            chosen.append(example[features.IMAGE])
        if not left.any():
            break
    images: np.ndarray = decode_images(tf.constant(chosen), task.image_size).numpy()
    return images


def _load_saved_model(folder: pathlib.Path) -> Classify:
    """Returns a function that classifies one image by the signature that servers call."""
    signature = tf.saved_model.load(str(folder)).signatures[signatures.SERVE_IMAGES]
    return lambda image: signature(images=tf.constant(image))[signatures.PROBABILITIES].numpy()
