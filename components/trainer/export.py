"""Export: a SavedModel whose signatures all go through the Transform graph.

Axes: batch, height, width, channels, classes.
"""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components import features, signatures
from components.trainer.data.transform_functions import load_normalization
from models.attention_maps import build_attention_model, has_attention_maps

NETWORK_FILE = "model.keras"  # of the Trainer's model run, in Keras's own format


class _Untracked:
    """Holds layers and networks that TensorFlow shall not save as objects.

    The signatures hold all that they compute. The layer of the Transform graph would be traced once more, which takes
    seconds. Where TensorFlow finds a Keras variable by itself, it saves a copy beside it. `tf.saved_model.load` does
    not mind, but TensorFlow Serving and tfx_bsl, which load without objects, fill that copy and leave the variable
    empty that signatures read (keras-team/keras issue 20096).

    Args:
        transform_layer: From raw features to what the network sees.
        model: From normalized images to logits.
    """

    def __init__(self, transform_layer: Any, model: keras.Model) -> None:
        self.transform_layer = transform_layer
        self.model = model
        self.attention_model: keras.Model | None = None


class ServingModule(tf.Module):
    """The Transform graph and the network, as TensorFlow Serving and TFMA call them.

    Args:
        transform: The Transform graph.
        model: From normalized images to logits, [batch, classes].
    """

    def __init__(self, transform: tft.TFTransformOutput, model: keras.Model) -> None:
        super().__init__()
        self._untracked = _Untracked(transform.transform_features_layer(), model)
        self.weights = [variable.value for variable in model.variables]  # what is saved
        self._raw_feature_spec = transform.raw_feature_spec()
        self._normalize = load_normalization(transform)

    @property
    def model(self) -> keras.Model:
        """The network."""
        return self._untracked.model

    def _apply(self, model: keras.Model, encoded: tf.Tensor) -> tf.Tensor:
        images = self._untracked.transform_layer({features.IMAGE: encoded})[features.IMAGE]
        # TensorFlow's convolution (oneDNN) gives an empty batch the wrong number of channels.
        return tf.cond(
            tf.shape(images)[0] > 0,
            lambda: model(images, training=False),
            lambda: tf.zeros((0, *model.output.shape[1:])),
        )

    def _classify(self, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return {signatures.PROBABILITIES: tf.nn.softmax(self._apply(self.model, encoded))}

    def _parse_images(self, examples: tf.Tensor) -> tf.Tensor:
        image_spec = {features.IMAGE: self._raw_feature_spec[features.IMAGE]}
        return tf.io.parse_example(examples, image_spec)[features.IMAGE]

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies serialized tf.Examples of the raw features; only the image is read.

        Args:
            examples: string [batch].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return self._classify(self._parse_images(examples))

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None, *features.IMAGE_SHAPE], tf.uint8, name="images")]
    )
    def serve_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies images; they are encoded as PNG (without loss) for the Transform graph.

        Args:
            images: uint8 [batch, height, width, channels].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return self._classify(tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string))

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None, *features.IMAGE_SHAPE], tf.uint8, name="images")]
    )
    def classify_pixels(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies images as `serve_images` does, without encoding them and without care for an empty batch.

        No server calls it: it holds only what TensorFlow Lite knows, and is what the LiteConverter converts.

        Args:
            images: uint8 [batch, height, width, channels].

        Returns:
            probabilities: float32 [batch, classes].
        """
        return {signatures.PROBABILITIES: tf.nn.softmax(self.model(self._normalize(images), training=False))}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes what TFMA slices by.

        Args:
            examples: Serialized tf.Examples of the raw features, string [batch].

        Returns:
            label, brightness_quartile, contrast_quartile: int64 [batch].
        """
        transformed = self._untracked.transform_layer(tf.io.parse_example(examples, self._raw_feature_spec))
        names = (features.LABEL, features.BRIGHTNESS_QUARTILE, features.CONTRAST_QUARTILE)
        return {name: transformed[name] for name in names}


class AttentiveServingModule(ServingModule):
    """A serving module whose network has learned where to look, and tells.

    Args:
        transform: The Transform graph.
        model: From normalized images to logits, with a TokenLearner.
    """

    def __init__(self, transform: tft.TFTransformOutput, model: keras.Model) -> None:
        super().__init__(transform, model)
        self._untracked.attention_model = build_attention_model(model)  # of the same weights

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def weigh_patches(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Weighs each patch for each token.

        Args:
            examples: Serialized tf.Examples of the raw features; only the image is read, string [batch].

        Returns:
            maps: 0..1, float32 [batch, tokens, height, width], height and width in patches.
        """
        return {signatures.MAPS: self._apply(self._untracked.attention_model, self._parse_images(examples))}


def export_model(transform: tft.TFTransformOutput, model: keras.Model, folder: str) -> None:
    """Writes the SavedModel.

    Args:
        transform: The Transform graph.
        model: From normalized images to logits.
        folder: Of the SavedModel.
    """
    module = (AttentiveServingModule if has_attention_maps(model) else ServingModule)(transform, model)
    functions = {
        signatures.SERVE_EXAMPLES: module.serve_examples,
        signatures.SERVE_IMAGES: module.serve_images,
        signatures.TRANSFORM_FEATURES: module.transform_features,
    }
    if isinstance(module, AttentiveServingModule):
        functions[signatures.ATTENTION_MAPS] = module.weigh_patches
    tf.saved_model.save(module, folder, signatures=functions)
