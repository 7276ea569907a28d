"""The model that predicts: where it is, and what it answers.

Axes: batch, classes, tokens, height, width.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from components import features, signatures
from components.errors import DataFailure, UsageFailure
from components.pusher.versions import find_versions
from pipeline.quiet import start_tensorflow

_SAVED_MODEL_FILE = "saved_model.pb"
_TFX_FORMAT = "Format-Serving"  # the SavedModel's folder within TFX's artifact Model


def locate_model(named: pathlib.Path | None, serving_dir: pathlib.Path) -> pathlib.Path:
    """Finds a SavedModel.

    Args:
        named: A SavedModel, a folder of versions, or a Model artifact of a run; None: the newest pushed one.
        serving_dir: Folder of pushed versions.

    Raises:
        UsageFailure: There is none.
    """
    if named is None:
        newest = find_newest_version(serving_dir)
        if newest is None:
            raise UsageFailure(
                f"{serving_dir} holds no pushed model; push one with `tokenlearner run`, or name one with --model."
            )
        return newest
    for folder in (named, named / _TFX_FORMAT):
        if (folder / _SAVED_MODEL_FILE).is_file():
            return folder
    newest = find_newest_version(named)
    if newest is None:
        raise UsageFailure(
            f"--model is {named}, which holds no SavedModel ({_SAVED_MODEL_FILE}) and no folder of versions; name one "
            "such as pipeline_root/quick/serving/tokenlearner."
        )
    return newest


def find_newest_version(serving_dir: pathlib.Path) -> pathlib.Path | None:
    """Returns the version with the largest number, as TensorFlow Serving does."""
    newest_first = reversed(find_versions(serving_dir).values())
    return next((folder for folder in newest_first if (folder / _SAVED_MODEL_FILE).is_file()), None)


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
            self._loaded = tf.saved_model.load(str(folder))  # holds the variables of the signatures
        except Exception as error:  # a damaged file leads to errors of many kinds
            reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
            raise DataFailure(f"the model in {folder} does not load: {reason}.") from None
        self.folder = folder
        self._functions = self._loaded.signatures
        classify = self._functions.get(signatures.SERVE_EXAMPLES)
        outputs = classify.structured_outputs if classify else {}
        if signatures.PROBABILITIES not in outputs or not outputs[signatures.PROBABILITIES].shape.is_compatible_with(
            (None, features.NUM_CLASSES)
        ):
            raise DataFailure(
                f"the model in {folder} has no signature {signatures.SERVE_EXAMPLES} that gives "
                f"{features.NUM_CLASSES} {signatures.PROBABILITIES}; name one that this pipeline has pushed."
            )

    @property
    def has_attention_maps(self) -> bool:
        """Tells whether its network has learned where to look."""
        return signatures.ATTENTION_MAPS in self._functions

    def classify(self, examples: Sequence[bytes]) -> np.ndarray:
        """Returns the probabilities of serialized tf.Examples, float32 [batch, classes].

        Raises:
            tensorflow.errors.OpError: One of them is none, or has no image of the right size.
        """
        return self._call(signatures.SERVE_EXAMPLES, examples)[signatures.PROBABILITIES]

    def weigh_patches(self, examples: Sequence[bytes]) -> np.ndarray:
        """Returns what each token weighs, float32 [batch, tokens, height, width], height and width in patches."""
        return self._call(signatures.ATTENTION_MAPS, examples)[signatures.MAPS]

    def _call(self, signature: str, examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        import tensorflow as tf

        batch = tf.constant(list(examples), tf.string, shape=[len(examples)])
        return {name: values.numpy() for name, values in self._functions[signature](examples=batch).items()}


def make_example(png: bytes) -> bytes:
    """Returns an encoded image as a serialized tf.Example."""
    import tensorflow as tf

    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[png]))
    return tf.train.Example(features=tf.train.Features(feature={features.IMAGE: image})).SerializeToString()
