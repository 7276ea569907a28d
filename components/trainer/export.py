"""Export: a SavedModel whose signatures all use the Transform graph.

Axes: batch, height, width, channels, classes.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import features, signatures
from components.artifacts.image_task import ImageTask, write_task
from components.trainer.data.transform_functions import load_normalization
from models.attention_maps import build_attention_model, has_attention_maps

NETWORK_FILE = "model.keras"  # of the Trainer's model run, in Keras's own format

_EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]


class ServingModule(tf.Module):
    """The Transform graph and the network, as TensorFlow Serving and TFMA call them.

    Layers and networks are attributes of functions, not of the module, because TensorFlow would save them as objects.
    The signatures contain all of their operations, and to trace the layer of the Transform graph again takes seconds.
    The weights are constants in the graph: TensorFlow computes in advance what depends on them alone, and a request
    reads no variables. With one image it takes 0.7 times as long.

    Args:
        transform: The Transform graph.
        model: From normalized images to logits, [batch, classes].
    """

    def __init__(self, transform: tft.TFTransformOutput, model: keras.Model) -> None:
        super().__init__()
        self._raw_feature_spec = transform.raw_feature_spec()
        self._normalize = load_normalization(transform)
        layer = transform.transform_features_layer()
        self._transform = lambda raw: layer(raw)
        self._network = _freeze(model)
        images = [tf.TensorSpec(model.input_shape, tf.uint8, name="images")]
        self.serve_images = tf.function(self._serve_images, autograph=False, input_signature=images)
        self.classify_pixels = tf.function(self._classify_pixels, autograph=False, input_signature=images)
        self._classify_images = _guard_empty(self._network, model.output.shape[1:])
        if has_attention_maps(model):
            attention = build_attention_model(model)
            weigh_patches = _guard_empty(_freeze(attention), attention.output.shape[1:])
            self.weigh_patches = tf.function(
                lambda examples: {signatures.MAPS: weigh_patches(self._decode(self._parse_images(examples)))},
                input_signature=_EXAMPLES,
                autograph=False,
            )

    def _parse_images(self, examples: tf.Tensor) -> tf.Tensor:
        image_spec = {features.IMAGE: self._raw_feature_spec[features.IMAGE]}
        return tf.io.parse_example(examples, image_spec)[features.IMAGE]

    def _decode(self, encoded: tf.Tensor) -> tf.Tensor:
        return self._transform({features.IMAGE: encoded})[features.IMAGE]

    def _classify(self, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return {signatures.PROBABILITIES: tf.nn.softmax(self._classify_images(self._decode(encoded)))}

    @tf.function(autograph=False, input_signature=_EXAMPLES)
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies serialized tf.Examples of the raw features; only the image is read.

        Args:
            examples: string [batch].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return self._classify(self._parse_images(examples))

    def _serve_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies images; they are encoded as PNG (without loss) for the Transform graph.

        Args:
            images: uint8 [batch, height, width, channels].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return self._classify(tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string))

    def _classify_pixels(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies a batch of at least one image as `serve_images` does, without encoding the images.

        It is no signature: the LiteConverter converts it, because TensorFlow Lite supports all of its operations.

        Args:
            images: uint8 [batch, height, width, channels].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return {signatures.PROBABILITIES: tf.nn.softmax(self._network(self._normalize(images)))}

    @tf.function(autograph=False, input_signature=_EXAMPLES)
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes the features that TFMA slices by.

        Args:
            examples: Serialized tf.Examples of the raw features, string [batch].

        Returns:
            label, brightness_quartile, contrast_quartile: int64 [batch].
        """
        transformed = self._transform(tf.io.parse_example(examples, self._raw_feature_spec))
        names = (features.LABEL, features.BRIGHTNESS_QUARTILE, features.CONTRAST_QUARTILE)
        return {name: transformed[name] for name in names}


def _freeze(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a call of a network for inference, with its weights of now as constants."""
    trainable, others = (
        [np.array(variable) for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )

    def call(images: tf.Tensor) -> tf.Tensor:
        constants = (list(map(tf.constant, values)) for values in (trainable, others))
        outputs, _ = model.stateless_call(*constants, images, training=False)
        return outputs

    return call


def _guard_empty(network: Callable[[tf.Tensor], tf.Tensor], shape: tuple[int, ...]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a call that takes empty batches, to which oneDNN's convolution gives wrong channels.

    Args:
        network: From images to outputs.
        shape: Of an output without batch.
    """
    return lambda images: tf.cond(tf.shape(images)[0] > 0, lambda: network(images), lambda: tf.zeros((0, *shape)))


def export_model(transform: tft.TFTransformOutput, model: keras.Model, task: ImageTask, folder: str) -> None:
    """Writes the SavedModel.

    Args:
        transform: The Transform graph.
        model: From normalized images to logits.
        task: What the model classifies.
        folder: Of the SavedModel.
    """
    module = ServingModule(transform, model)
    functions = {
        signatures.SERVE_EXAMPLES: module.serve_examples,
        signatures.SERVE_IMAGES: module.serve_images,
        signatures.TRANSFORM_FEATURES: module.transform_features,
    }
    if has_attention_maps(model):
        functions[signatures.ATTENTION_MAPS] = module.weigh_patches
    tf.saved_model.save(module, folder, signatures=functions)
    write_task(task, folder)
