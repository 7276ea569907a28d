"""The Transform graph in two halves, cut after its decoder: to pixels, and from pixels to the network's input.

Both are parts of the graph that serves. Axes: batch, height, width, channels.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import features

_PIXELS = f"{features.DECODED_IMAGES}:0"  # where it is cut


def load_decoder(transform: tft.TFTransformOutput) -> Callable[[dict[str, tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]:
    """Returns the part up to the decoded images.

    Args:
        transform: The Transform graph.

    Returns:
        From a batch of raw features to pixels, uint8 [batch, height, width, channels], and labels, int64 [batch].
    """
    whole = _load(transform)
    names = _name_inputs(whole)
    feeds = [names[features.IMAGE], names[features.LABEL]]
    cut = _import(whole).prune(feeds, [_PIXELS, _name_outputs(whole)[features.LABEL]])
    return lambda raw: tuple(cut(raw[features.IMAGE], raw[features.LABEL]))


def load_normalization(transform: tft.TFTransformOutput) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the part after the decoder.

    TensorFlow Lite cannot decode PNG, so only this part can be converted to it. The Trainer stores pixels, because they
    take a quarter of the room of normalized images.

    Args:
        transform: The Transform graph.

    Returns:
        From pixels, uint8 [batch, height, width, channels], to normalized images, float32 of the same shape.
    """
    whole = _load(transform)
    # The statistics of the train split (sums, boundaries) enter the graph as captured tensors.
    learned = [tf.constant(value.numpy()) for value, _ in whole.graph.captures]
    feeds = [_PIXELS, *(placeholder.name for _, placeholder in whole.graph.captures)]
    cut = _import(whole).prune(feeds, _name_outputs(whole)[features.IMAGE])
    return lambda pixels: cut(pixels, *learned)


def _load(transform: tft.TFTransformOutput) -> Any:
    return tf.saved_model.load(transform.transform_savedmodel_dir).transform_fn


def _import(whole: Any) -> Any:
    definition = whole.graph.as_graph_def()
    return tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(definition, name=""), [])


def _name_inputs(whole: Any) -> dict[str, str]:
    """Returns the tensor of each raw feature."""
    (raw,), _ = whole.structured_input_signature
    placeholders = whole.graph.inputs[: len(raw)]  # captured tensors follow
    return {name: tensor.name for name, tensor in tf.nest.pack_sequence_as(raw, placeholders).items()}


def _name_outputs(whole: Any) -> dict[str, str]:
    """Returns the tensor of each transformed feature."""
    outputs = tf.nest.pack_sequence_as(whole.structured_outputs, whole.graph.outputs)
    return {name: tensor.name for name, tensor in outputs.items()}
