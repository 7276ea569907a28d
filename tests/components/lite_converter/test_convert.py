"""Networks of the search are converted; a network that cannot be converted stops nothing.

Axes: images, height, width, channels.
"""

import dataclasses
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from commands import Mount
from lite_operators import find_factor_types

from components import signatures
from components.artifacts.lite_comparison import VariantName
from components.lite_converter import convert as conversion
from components.lite_converter.convert import convert, convert_models, main
from components.lite_converter.lite_models import choose_images, make_lite_models
from components.lite_model import Classify, load_lite_model, open_interpreter
from models.reducers.registry import REDUCERS
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import QUICK

_BACKBONE = ViTConfig(image_size=32, patch_size=8, dim=8, depth=1, num_heads=2, mlp_dims=(8,), num_classes=10)
_REDUCED: dict[str, ViTConfig] = {
    name: dataclasses.replace(
        _BACKBONE,
        depth=1 + entry.min_blocks_before,
        token_reducer=name,
        blocks_before_token_learner=entry.min_blocks_before,
        num_tokens=4,
    )
    for name, entry in REDUCERS.items()
}
_FUSED = ViTConfig(
    image_size=32,
    patch_size=4,
    stem="linear",
    dim=16,
    depth=1,
    num_heads=2,
    mlp_dims=(16,),
    mlp_output_activation="gelu",
    num_classes=10,
    token_reducer="token_learner",
    token_learner_pooling="sum",
    use_token_fuser=True,
    blocks_before_token_learner=0,
    num_tokens=4,
)
# Everything that a network may have. They are converted side by side, which takes little longer than one of them.
_NETWORKS = (
    _BACKBONE,
    _FUSED,  # a token_learner
    dataclasses.replace(_REDUCED["token_learner_v11"], stem="residual"),
    *(network for name, network in _REDUCED.items() if not name.startswith("token_learner")),
)


class _Classifier(tf.Module):
    """Has what the converter asks for, without a Transform graph."""

    def __init__(self, *networks: keras.Model) -> None:
        super().__init__()
        self.weights = [variable.value for network in networks for variable in network.variables]
        # A function is not saved as an object, as the Trainer's networks are not.
        self._answer = lambda images: [tf.nn.softmax(network(images, training=False)) for network in networks]

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.uint8, name="images")])
    def classify_pixels(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = tf.cast(images, tf.float32) / 128.0 - 1.0
        if not self.weights:
            return {signatures.PROBABILITIES: tf.linalg.det(scaled[..., 0])}  # TensorFlow Lite has no determinants
        return {signatures.PROBABILITIES: tf.concat(self._answer(scaled), axis=1)}


@pytest.fixture(scope="module")
def images(slice_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Calibration images, one of each class."""
    folder = tmp_path_factory.mktemp("train")
    [file] = slice_dir.glob("cifar10-train.tfrecord-*")
    (folder / file.name).symlink_to(file)
    chosen = choose_images(folder, QUICK.task, 10)
    assert chosen.shape == (10, 32, 32, 3)
    np.save(folder / "images.npy", chosen)
    return folder / "images.npy"


def test_networks_convert_to_both_lite_models_of_tensorflow_lites_own_operators(
    images: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    assert {network.token_reducer for network in _NETWORKS} == {None, *REDUCERS}
    keras.utils.set_random_seed(1)
    classifier = _Classifier(*map(build_vit, _NETWORKS))
    tf.saved_model.save(classifier, str(tmp_path / "model"))
    module = tf.saved_model.load(str(tmp_path / "model"))
    requests = np.load(images)
    expected = classifier.classify_pixels(tf.constant(requests))[signatures.PROBABILITIES].numpy()
    largest_mean_differences: dict[VariantName, float] = {"float32": 1e-6, "int8": 0.02}
    for name, largest in largest_mean_differences.items():
        file = tmp_path / f"{name}.tflite"
        file.write_bytes(convert(name, module, str(images)))
        interpreter = open_interpreter(str(file))
        operators = {each["op_name"] for each in interpreter._get_ops_details()}
        assert not [operator for operator in operators if operator.startswith(("Flex", "CUSTOM"))]
        assert find_factor_types(interpreter) == {np.float32}  # newer interpreters err on others
        answers = np.concatenate([_ask(load_lite_model(str(file)), image) for image in requests])
        differences = np.abs(answers - expected).reshape(len(requests), len(_NETWORKS), -1)
        assert (differences.mean(axis=(0, 2)) < largest).all()


def _ask(lite_model: Classify, image: np.ndarray) -> np.ndarray:
    return lite_model(image[np.newaxis])


def test_an_operator_that_tensorflow_lite_lacks_is_named(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tf.saved_model.save(_Classifier(), str(tmp_path / "model"))
    with pytest.raises(SystemExit, match=r"^it lacks an operator \(TF Select ops: MatrixDeterminant\)$"):
        main(str(tmp_path / "model"), str(images), str(tmp_path), "float32", "int8")
    assert not list(tmp_path.glob("*.tflite"))


@pytest.mark.slow
def test_a_network_that_does_not_convert_gets_no_lite_models(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    classifier = _Classifier()
    served = {signatures.SERVE_IMAGES: classifier.classify_pixels}
    tf.saved_model.save(classifier, str(tmp_path / "model"), signatures=served)
    conversion = make_lite_models(tmp_path / "model", np.load(images), tmp_path)
    assert [form.name for form in conversion.forms] == ["saved_model"]
    reason = "not pushed: TensorFlow Lite does not support this network: it lacks an operator"
    assert {failed.name: failed.message for failed in conversion.failed} == dict.fromkeys(
        ("float32", "int8"), f"{reason} (TF Select ops: MatrixDeterminant)"
    )
    assert not list(tmp_path.glob("*.tflite"))


_DIES_ON_ONE = """
import os, sys, types
sys.modules["tensorflow"] = types.SimpleNamespace(saved_model=types.SimpleNamespace(load=lambda folder: None))
from components.lite_converter import convert
def die_or_convert(name, module, images):
    return os.abort() if name == sys.argv[1] else name.encode()
convert.convert = die_or_convert
convert.main(*sys.argv[5:])
"""


@pytest.mark.parametrize(("fatal", "other"), [("float32", "int8"), ("int8", "float32")])
def test_a_lite_model_on_which_the_converter_dies_does_not_take_the_other_with_it(
    fatal: str, other: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "dies.py"
    script.write_text(_DIES_ON_ONE)
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: run([sys.executable, script, fatal, *command], **options)
    )
    failures = convert_models(tmp_path / "model", np.zeros([1, 32, 32, 3], np.uint8), tmp_path)
    assert list(failures) == [fatal]
    assert failures[fatal].startswith("the converter died of signal 6: ")  # type: ignore[index]
    assert [file.name for file in tmp_path.glob("*.tflite")] == [f"model_{other}.tflite"]
    assert (tmp_path / f"model_{other}.tflite").read_bytes() == other.encode()


def test_a_lite_model_for_which_the_disk_has_no_room_is_not_there(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount("size=64k")
    monkeypatch.setattr(tf.saved_model, "load", lambda _: None)
    monkeypatch.setattr(conversion, "convert", lambda *_: bytes(1 << 20))
    with pytest.raises(SystemExit, match="No space left on device"):
        main("model", "images", str(disk), "float32")
    assert list(disk.glob("*.tflite")) == []
