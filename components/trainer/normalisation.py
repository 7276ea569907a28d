"""The Transform graph behind its decoder: from pixels to what the network sees.

Axes: batch, height, width, channels.
"""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_transform as tft

from components import features


def load_normalisation(transform: tft.TFTransformOutput) -> Callable[[tf.Tensor], tf.Tensor]:
    """Cuts the part behind the decoder out of the Transform graph; nothing is computed anew.

    TensorFlow Lite decodes no PNG, so the whole graph cannot be converted to it.

    Args:
        transform: The Transform graph.

    Returns:
        From pixels, uint8 [batch, height, width, channels], to normalised images, float32 of the same shape.
    """
    whole = tf.saved_model.load(transform.transform_savedmodel_dir).transform_fn
    definition = whole.graph.as_graph_def()
    imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(definition, name=""), [])
    images = tf.nest.pack_sequence_as(whole.structured_outputs, whole.graph.outputs)[features.IMAGE]
    # What was learnt from the train split (sums, boundaries) enters the graph as captured tensors.
    learnt = [tf.constant(value.numpy()) for value, _ in whole.graph.captures]
    feeds = [f"{features.DECODED_IMAGES}:0", *(placeholder.name for _, placeholder in whole.graph.captures)]
    cut = imported.prune(feeds, images.name)
    return lambda pixels: cut(pixels, *learnt)
