"""Two small models, pushed, whose predictions and maps depend on every pixel; and real test images as files."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from sample_slice import SAMPLE

from components import features, signatures
from components.transform import decode_images

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
        weights = np.random.default_rng(seed).normal(size=(np.prod(features.IMAGE_SHAPE), features.NUM_CLASSES))
        self.weights = tf.Variable(weights / 20, dtype=tf.float32)

    def _decode(self, examples: tf.Tensor) -> tf.Tensor:
        parsed = tf.io.parse_example(examples, {features.IMAGE: tf.io.FixedLenFeature([], tf.string)})
        return tf.cast(decode_images(parsed[features.IMAGE]), tf.float32) / 255

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def classify(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns probabilities, float32 [batch, classes]."""
        pixels = tf.reshape(self._decode(examples), (-1, self.weights.shape[0]))
        return {signatures.PROBABILITIES: tf.nn.softmax(pixels @ self.weights)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def weigh(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns maps, float32 [batch, tokens, height, width]."""
        patches = tf.nn.avg_pool2d(self._decode(examples), 4, 4, "VALID")  # [batch, 8, 8, 3]
        gray = tf.reduce_mean(patches, axis=-1)[:, tf.newaxis]  # [batch, 1, 8, 8]
        wanted = tf.reshape(tf.linspace(0.0, 1.0, TOKENS), (1, TOKENS, 1, 1))
        return {signatures.MAPS: tf.exp(-20 * (gray - wanted) ** 2)}


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A pipeline root with pushed models."""

    root: pathlib.Path
    versions: pathlib.Path
    newest: pathlib.Path

    def ask(self, records: list[bytes]) -> np.ndarray:
        """Returns the predictions of the newest model's signature, float32 [batch, classes]."""
        loaded = tf.saved_model.load(str(self.newest))
        examples = tf.constant(records, tf.string)
        return loaded.signatures[signatures.SERVE_EXAMPLES](examples=examples)[signatures.PROBABILITIES].numpy()


@pytest.fixture(scope="session")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """Versions 9 and 10, of which 10 is newer although 9 sorts behind it; and an incomplete push."""
    root = tmp_path_factory.mktemp("root")
    versions = root / "serving" / "tokenlearner"
    for seed, version in enumerate(("9", "10")):
        model = PixelModel(seed)
        functions = {signatures.SERVE_EXAMPLES: model.classify}
        if version == "10":  # a TokenLearner won
            functions[signatures.ATTENTION_MAPS] = model.weigh
        tf.saved_model.save(model, str(versions / version), signatures=functions)
    (versions / "11").mkdir()
    return Pushed(root, versions, versions / "10")


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
