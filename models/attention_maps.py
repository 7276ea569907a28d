"""The attention maps of a network's TokenLearner.

Axes: batch, height, width, channels, patches, tokens.
"""

from typing import Any

import keras

from models.reducers.registry import REDUCERS


def has_attention_maps(model: keras.Model) -> bool:
    """Returns whether a network has a layer with attention maps."""
    return bool(_find_learners(model))


def build_attention_model(model: keras.Model) -> keras.Model:
    """Makes the network that returns the weights of the first TokenLearner: of each patch for each token.

    Args:
        model: From `build_vit`, or loaded from a `.keras` file; its weights are shared.

    Returns:
        A model from normalized images, float32 [batch, height, width, 3], to weights in 0..1, float32
        [batch, tokens, height, width] with height and width in patches. Those of version 1.1 sum to 1 over the patches.

    Raises:
        ValueError: If the model has no layer with attention maps.
    """
    learners = _find_learners(model)
    if not learners:
        raise ValueError(f"the model {model.name!r} has no TokenLearner, and so no attention maps")
    weights = keras.ops.cast(learners[0].attention_weights(learners[0].input), "float32")  # [batch, patches, tokens]
    _, height, width, _ = model.get_layer("patches").input.shape
    maps = keras.ops.reshape(keras.ops.transpose(weights, (0, 2, 1)), (-1, weights.shape[2], height, width))
    return keras.Model(model.input, maps, name="attention_maps")


def _find_learners(model: keras.Model) -> list[Any]:
    kinds = tuple(reducer.load_layer() for reducer in REDUCERS.values() if reducer.has_attention_maps)
    return [layer for layer in model.layers if isinstance(layer, kinds)]
