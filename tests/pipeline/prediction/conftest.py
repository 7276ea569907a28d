"""Two small models, pushed, whose predictions and maps depend on every pixel; and real test images as files."""

import functools
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from commands import Command
from sample_slice import SAMPLE

from components import features, signatures
from components.artifacts.image_task import write_task
from components.image_dataset import CIFAR10
from components.transform import decode_images
from pipeline.config import QUICK, locate_serving_dir

TOKENS = 4
IMAGES = 6
ROUNDING = 1e-6  # batches of different sizes may differ in the last bits


class PixelModel(tf.Module):
    """Weighs all pixels for the classes, and weighs patches by how near their brightness is to that of a token.

    Args:
        seed: Of the weights.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        weights = np.random.default_rng(seed).normal(size=(32 * 32 * 3, len(CIFAR10.class_names)))
        self.weights = tf.Variable(weights / 20, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns probabilities, float32 [batch, classes], and maps, float32 [batch, tokens, height, width]."""
        parsed = tf.io.parse_example(examples, {features.IMAGE: tf.io.FixedLenFeature([], tf.string)})
        images = tf.cast(decode_images(parsed[features.IMAGE], 32), tf.float32) / 255
        logits = tf.reshape(images, (-1, self.weights.shape[0])) @ self.weights
        gray = tf.reduce_mean(tf.nn.avg_pool2d(images, 4, 4, "VALID"), axis=-1)[:, tf.newaxis]  # [batch, 1, 8, 8]
        wanted = tf.reshape(tf.linspace(0.0, 1.0, TOKENS), (1, TOKENS, 1, 1))
        return {signatures.PROBABILITIES: tf.nn.softmax(logits), signatures.MAPS: tf.exp(-20 * (gray - wanted) ** 2)}


def ask(model: pathlib.Path, records: list[bytes]) -> np.ndarray:
    """Returns the predictions of a model's signature, float32 [batch, classes]."""
    loaded = tf.saved_model.load(str(model))
    return loaded.signatures[signatures.SERVE_EXAMPLES](examples=tf.constant(records))[signatures.PROBABILITIES].numpy()


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Versions 9 and 10, of which 10 is newer although 9 sorts behind it; and an incomplete push."""
    versions = locate_serving_dir(tmp_path_factory.mktemp("root"))
    names = (signatures.SERVE_EXAMPLES, signatures.ATTENTION_MAPS)
    for seed, version in enumerate(("9", "10")):  # a TokenLearner won for version 10
        model = PixelModel(seed)
        tf.saved_model.save(model, str(versions / version), dict.fromkeys(names[: seed + 1], model.__call__))
        write_task(QUICK.task, str(versions / version))
    (versions / "11").mkdir()
    return versions


@pytest.fixture
def predict(tokenlearner: Command, versions: pathlib.Path) -> Command:
    """Runs `tokenlearner predict` with the newest of the versions."""
    return functools.partial(tokenlearner, "predict", "--root", versions.parents[1])


@pytest.fixture(scope="session")
def records() -> list[bytes]:
    """Serialized tf.Examples of real test images."""
    [file] = SAMPLE.glob("cifar10-test.tfrecord-*")
    return list(tf.data.TFRecordDataset(str(file)).take(IMAGES).as_numpy_iterator())


@pytest.fixture(scope="session")
def photos(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The same images as PNG files `0.png` to `5.png`, the last one in a folder `more`, and hidden files."""
    folder = tmp_path_factory.mktemp("photos")
    for part in ("more", ".more"):
        (folder / part).mkdir()
    for hidden in (".a.png", ".more/a.png"):
        (folder / hidden).write_text("not an image")
    for position, record in enumerate(records):
        place = folder / "more" if position == IMAGES - 1 else folder
        image = tf.train.Example.FromString(record).features.feature[features.IMAGE].bytes_list.value[0]
        (place / f"{position}.png").write_bytes(image)
    return folder


@pytest.fixture(scope="session")
def photo(photos: pathlib.Path) -> pathlib.Path:
    """The first of them."""
    return photos / "0.png"
