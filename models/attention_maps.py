"""The attention maps of a network's token reducer.

Axes: batch, height, width, channels, patches, tokens.
"""

from typing import Any

import keras

from models.reducers.registry import REDUCERS


def has_attention_maps(model: keras.Model) -> bool:
    """Returns whether a network has a layer with attention maps."""
    return bool(_find_reducers(model))


def build_attention_model(model: keras.Model) -> keras.Model:
    """Makes the network that returns the weights of the first token reducer: of each patch for each token.

    Args:
        model: From `build_vit`, or loaded from a `.keras` file; its weights are shared.

    Returns:
        A model from normalized images, float32 [batch, height, width, 3], to weights in 0..1, float32
        [batch, tokens, height, width] with height and width in patches. Those of a token sum to 1 over the
        patches, except with TokenLearner, version 1.

    Raises:
        ValueError: If the model has no layer with attention maps.
    """
    reducers = _find_reducers(model)
    if not reducers:
        raise ValueError(f"the model {model.name!r} has no token reducer with attention maps")
    weights = keras.ops.cast(reducers[0].attention_weights(reducers[0].input), "float32")  # [batch, patches, tokens]
    _, height, width, _ = model.get_layer("patches").input.shape
    maps = keras.ops.reshape(keras.ops.transpose(weights, (0, 2, 1)), (-1, weights.shape[2], height, width))
    return keras.Model(model.input, maps, name="attention_maps")


def _find_reducers(model: keras.Model) -> list[Any]:
    kinds = tuple(reducer.load_layer() for reducer in REDUCERS.values() if reducer.has_attention_maps)
    return [layer for layer in model.layers if isinstance(layer, kinds)]
