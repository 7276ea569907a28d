"""The TensorFlow Lite models of the first model answer as it does, and `lite.json` says how well.

Axes: images, height, width, channels, classes.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.utils import path_utils
from workplace import Workplace

from components.artifacts.lite_comparison import LiteComparison, read_comparison
from components.image_dataset import CIFAR10
from components.lite_model import load_lite_model, open_interpreter


@dataclasses.dataclass(frozen=True, kw_only=True)
class Converted:
    """What LiteConverter and Evaluator leave, and the test images."""

    saved_model: pathlib.Path
    folder: pathlib.Path  # of the TensorFlow Lite models
    comparison: LiteComparison
    pixels: np.ndarray  # of the test split, uint8 [images, height, width, channels]
    labels: np.ndarray  # [images]

    def classify(self) -> np.ndarray:
        """Returns the SavedModel's probabilities for the test images, [images, classes]."""
        signature = tf.saved_model.load(str(self.saved_model)).signatures["serve_images"]
        answers: np.ndarray = signature(images=tf.constant(self.pixels))["probabilities"].numpy()
        return answers


@pytest.fixture(scope="module")
def converted(workplace: Workplace, first: Any) -> Converted:
    assert first
    comparison = read_comparison(pathlib.Path(workplace.first_output("Evaluator", "verdict").uri))
    assert comparison is not None
    split = pathlib.Path(workplace.first_output("ExampleGen", "examples").uri) / "Split-test"
    records = tf.data.TFRecordDataset([str(file) for file in split.iterdir()]).as_numpy_iterator()
    values = [tf.train.Example.FromString(record).features.feature for record in records]
    return Converted(
        saved_model=pathlib.Path(path_utils.serving_model_path(workplace.first_output("Trainer", "model").uri)),
        folder=pathlib.Path(workplace.first_output("LiteConverter", "lite_models").uri),
        comparison=comparison,
        pixels=np.stack([tf.io.decode_png(value["image"].bytes_list.value[0]).numpy() for value in values]),
        labels=np.array([value["label"].int64_list.value[0] for value in values]),
    )


@pytest.fixture(scope="module")
def answers(converted: Converted) -> dict[str, np.ndarray]:
    """What each form answers to the test images, [images, classes]."""
    lite_models = {
        name: load_lite_model(str(converted.folder / f"model_{name}.tflite")) for name in ("float32", "int8")
    }
    found = {
        name: np.concatenate([lite_model(image[np.newaxis]) for image in converted.pixels])
        for name, lite_model in lite_models.items()
    }
    return {"saved_model": converted.classify(), **found}


def test_the_float_lite_model_is_the_model_within_rounding_and_its_preprocessing_the_transform_graph(
    answers: dict[str, np.ndarray],
) -> None:
    assert np.ptp(answers["saved_model"], axis=0).max() > 0.05  # else any answer would do
    np.testing.assert_allclose(answers["float32"], answers["saved_model"], atol=1e-5)


def test_the_int8_lite_model_gives_nearly_the_probabilities_of_the_model(answers: dict[str, np.ndarray]) -> None:
    differences = np.abs(answers["int8"] - answers["saved_model"])
    assert 1e-4 < differences.mean() < 0.02
    assert (answers["int8"].argmax(axis=1) == answers["saved_model"].argmax(axis=1)).mean() > 0.9
    np.testing.assert_allclose(answers["int8"].sum(axis=1), 1, atol=0.05)


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_lite_model_takes_one_image_or_as_many_as_it_is_resized_to(
    converted: Converted, answers: dict[str, np.ndarray], name: str
) -> None:
    interpreter = open_interpreter(str(converted.folder / f"model_{name}.tflite"))
    [entry], [answer] = interpreter.get_input_details(), interpreter.get_output_details()
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["images"], "outputs": ["probabilities"]}}
    assert (entry["dtype"], entry["shape"].tolist()) == (np.uint8, [1, 32, 32, 3])
    assert (answer["dtype"], answer["shape"].tolist()) == (np.float32, [1, len(CIFAR10.class_names)])
    interpreter.resize_tensor_input(entry["index"], (7, 32, 32, 3))
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], converted.pixels[:7])
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(answer["index"]), answers[name][:7], atol=1e-5)
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert "DELEGATE" in operators
    assert "SHAPE" not in operators  # no shape waits for the batch


def test_what_is_written_are_the_measured_numbers(converted: Converted, answers: dict[str, np.ndarray]) -> None:
    comparison = converted.comparison
    assert (comparison.images, comparison.margin, comparison.failed) == (200, 0.07, ())
    assert [variant.name for variant in comparison.variants] == ["saved_model", "float32", "int8"]
    model = (answers["saved_model"].argmax(axis=1) == converted.labels).mean()
    for variant in comparison.variants:
        accuracy = (answers[variant.name].argmax(axis=1) == converted.labels).mean()
        assert variant.accuracy.value == pytest.approx(accuracy)
        assert variant.accuracy.low < accuracy < variant.accuracy.high
        assert 0 < variant.p50_seconds <= variant.p95_seconds < 1
        if variant.difference:
            assert variant.difference.value == pytest.approx(accuracy - model)
            assert variant.size_bytes == (converted.folder / f"model_{variant.name}.tflite").stat().st_size
            assert variant.file == f"model_{variant.name}.tflite"
    saved_model, float32, int8 = comparison.variants
    assert (saved_model.is_pushed, saved_model.file, float32.is_pushed) == (False, None, True)
    assert "+0.00 points" in float32.message
    assert saved_model.size_bytes > float32.size_bytes
    assert int8.size_bytes < 0.9 * float32.size_bytes  # of a network so small operators weigh more than weights
    assert (converted.folder / "labels.txt").read_text().splitlines() == list(CIFAR10.class_names)
