"""The SavedModel predicts what the network does, from tf.Examples and from pixels alike.

Axes: batch, height, width, channels, classes.
"""

import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from components import features
from components.trainer.export import export_model
from models.attention_maps import build_attention_model
from pipeline.config import QUICK

_CLASSES = 10


@pytest.fixture(scope="module")
def model(exported_model: Any) -> keras.Model:
    return exported_model.load_network()


@pytest.fixture(scope="module")
def exported(exported_model: Any) -> Any:
    return tf.saved_model.load(str(exported_model.saved_model))


@pytest.fixture(scope="module")
def expected(sample: Any, model: keras.Model) -> np.ndarray:
    """The probabilities of the sample, normalized in numpy, [batch, classes]."""
    probabilities = scipy.special.softmax(model(sample.normalized.astype(np.float32), training=False), axis=-1)
    assert np.ptp(probabilities, axis=0).max() > 0.05  # else any prediction would do
    return probabilities


def classify_examples(exported: Any, records: list[bytes]) -> np.ndarray:
    """Returns the probabilities of serialized tf.Examples, [batch, classes]."""
    examples = tf.constant(records, tf.string, shape=[len(records)])
    return exported.signatures["serving_default"](examples=examples)["probabilities"].numpy()


def classify_images(exported: Any, pixels: np.ndarray) -> np.ndarray:
    """Returns the probabilities of images, [batch, classes]."""
    return exported.signatures["serve_images"](images=tf.constant(pixels))["probabilities"].numpy()


@pytest.mark.parametrize("images", [1, 60])
def test_examples_and_pixels_get_the_probabilities_of_the_network_in_the_order_of_the_batch(
    exported: Any, sample: Any, expected: np.ndarray, images: int
) -> None:
    pixels = sample.pixels[:images]
    from_examples = classify_examples(exported, sample.records[:images])
    without_encoding = exported.classify_pixels(tf.constant(pixels))["probabilities"]
    assert from_examples.dtype == np.float32
    np.testing.assert_array_equal(from_examples, classify_images(exported, pixels))
    np.testing.assert_allclose(from_examples, expected[:images], atol=1e-5)
    np.testing.assert_allclose(without_encoding, from_examples, atol=1e-6)


def test_the_attention_maps_are_those_of_the_network(exported: Any, sample: Any, model: keras.Model) -> None:
    examples = tf.constant(sample.records[:7])
    maps = exported.signatures["attention_maps"](examples=examples)["maps"].numpy()
    assert maps.shape == (7, 4, 4, 4)
    images = sample.normalized[:7].astype(np.float32)
    np.testing.assert_allclose(maps, build_attention_model(model)(images, training=False), atol=1e-5)
    assert exported.signatures["attention_maps"](examples=examples[:0])["maps"].shape == (0, 4, 4, 4)


def test_a_network_that_has_not_learned_where_to_look_has_no_such_signature(
    transform: Any, tmp_path: pathlib.Path
) -> None:
    images = keras.Input((32, 32, 3))
    plain = keras.Model(images, keras.layers.Dense(_CLASSES)(keras.layers.Flatten()(images)))
    export_model(transform, plain, QUICK.task, str(tmp_path / "plain"))
    signatures = set(tf.saved_model.load(str(tmp_path / "plain")).signatures)
    assert signatures == {"serving_default", "serve_images", "transform_features"}


def test_a_session_fills_all_variables_as_tensorflow_serving_does(
    exported_model: Any, exported: Any, sample: Any
) -> None:
    session = tf.compat.v1.Session(graph=tf.Graph())
    definitions = tf.compat.v1.saved_model.load(session, ["serve"], str(exported_model.saved_model)).signature_def
    records = np.array(sample.records[:7], object)
    for name in ("serving_default", "serve_images", "attention_maps", "transform_features"):
        values = sample.pixels[:7] if name == "serve_images" else records
        [(argument, fed)] = definitions[name].inputs.items()
        fetched = {key: output.name for key, output in definitions[name].outputs.items()}
        fetched_values = session.run(fetched, {fed.name: values})
        for key, expected in exported.signatures[name](**{argument: tf.constant(values)}).items():
            np.testing.assert_allclose(fetched_values[key], expected, atol=1e-6, err_msg=f"{name} {key}")


def test_an_empty_batch_gets_no_probabilities(exported: Any, sample: Any) -> None:
    assert classify_examples(exported, []).shape == (0, _CLASSES)
    assert classify_images(exported, sample.pixels[:0]).shape == (0, _CLASSES)


def test_an_example_needs_nothing_but_its_image(exported: Any, sample: Any, expected: np.ndarray) -> None:
    example = tf.train.Example.FromString(sample.records[0])
    del example.features.feature[features.LABEL], example.features.feature[features.ID]
    bare = classify_examples(exported, [example.SerializeToString()])
    np.testing.assert_allclose(bare, expected[:1], atol=1e-5)


def test_tfma_gets_the_label_and_the_quartiles(exported: Any, sample: Any, analyzed: Any) -> None:
    outputs = exported.signatures["transform_features"](examples=tf.constant(sample.records))
    rows = analyzed[0]
    assert set(outputs) == {features.LABEL, features.BRIGHTNESS_QUARTILE, features.CONTRAST_QUARTILE}
    for name, values in outputs.items():
        np.testing.assert_array_equal(values, [row[name] for row in rows], err_msg=name)
    np.testing.assert_array_equal(outputs[features.LABEL], sample.labels)
