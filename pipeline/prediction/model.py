"""The SavedModel that predicts.

Axes: batch, classes, tokens, height, width.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from components import features, signatures
from components.artifacts.image_task import TASK_FILE, read_task
from components.errors import DataFailure, UsageFailure
from components.pusher.versions import find_versions
from components.saved_model import SAVED_MODEL_FOLDER
from pipeline.quiet import start_tensorflow

_SAVED_MODEL_FILE = "saved_model.pb"


def locate_model(named: pathlib.Path | None, serving_dir: pathlib.Path) -> pathlib.Path:
    """Finds a SavedModel; of a folder of versions the one with the largest number, as TensorFlow Serving does.

    Args:
        named: A SavedModel, a folder of versions, or a Model artifact of a run; None: `serving_dir`.
        serving_dir: Folder of pushed versions.

    Raises:
        UsageFailure: There is none.
    """
    folder = named or serving_dir
    for candidate in (folder, folder / SAVED_MODEL_FOLDER, *reversed(find_versions(folder).values())):
        if (candidate / _SAVED_MODEL_FILE).is_file():
            return candidate
    raise UsageFailure(
        f"{folder} contains no SavedModel ({_SAVED_MODEL_FILE}) and no pushed version of one; push one with "
        "`tokenlearner run`, or name another with --model."
    )


class Model:
    """A SavedModel with the signatures of `components.signatures`; loading it starts TensorFlow.

    Args:
        folder: Of the SavedModel.

    Raises:
        DataFailure: It does not load, or is another kind of model.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        start_tensorflow()
        import tensorflow as tf

        try:
            self._loaded = tf.saved_model.load(str(folder))  # keeps the variables of the signatures alive
        except Exception as error:  # a damaged file leads to errors of many kinds
            reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
            raise DataFailure(f"the model in {folder} does not load: {reason}.") from None
        self._functions = self._loaded.signatures
        self.has_attention_maps = signatures.ATTENTION_MAPS in self._functions
        try:
            self.task = read_task(folder)
        except (OSError, ValueError):
            raise DataFailure(
                f"the model in {folder} does not say what it classifies ({TASK_FILE}); name one that this version of "
                "the pipeline has pushed."
            ) from None

    def classify(self, examples: Sequence[bytes]) -> np.ndarray:
        """Returns the probabilities of serialized tf.Examples, float32 [batch, classes].

        Raises:
            tensorflow.errors.OpError: One of them is not a tf.Example, or has no image of the right size.
        """
        return self._call(signatures.SERVE_EXAMPLES, examples)[signatures.PROBABILITIES]

    def weigh_patches(self, examples: Sequence[bytes]) -> np.ndarray:
        """Returns the weights of patches in each token, float32 [batch, tokens, height, width]."""
        return self._call(signatures.ATTENTION_MAPS, examples)[signatures.MAPS]

    def _call(self, signature: str, examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        import tensorflow as tf

        batch = tf.constant(list(examples), tf.string, shape=[len(examples)])
        return {name: values.numpy() for name, values in self._functions[signature](examples=batch).items()}


def make_example(pixels: np.ndarray) -> bytes:
    """Returns an image, uint8 [height, width, 3], as a serialized tf.Example."""
    import tensorflow as tf

    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[tf.io.encode_png(pixels, compression=1).numpy()]))
    return tf.train.Example(features=tf.train.Features(feature={features.IMAGE: image})).SerializeToString()


def rank_classes(probabilities: np.ndarray, class_names: Sequence[str], top: int | None = None) -> dict[str, float]:
    """Names the most probable classes of an image.

    Args:
        probabilities: float32 [classes].
        class_names: By label.
        top: How many classes are named; None: all.

    Returns:
        Probabilities by class, the largest first; each is the number with the fewest digits that rounds to the float32.
    """
    order = np.argsort(-probabilities, kind="stable")[:top]
    return {class_names[label]: float(str(probabilities[label])) for label in order}
