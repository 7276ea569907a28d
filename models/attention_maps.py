"""What a trained network looks at: the attention maps that its TokenLearner has learnt.

Axes: batch, height, width, channels, patches, tokens.
"""

from typing import Any

import keras
import numpy as np

from models.token_learner import TokenLearner, TokenLearnerV11


def attention_maps(model: keras.Model, images: Any) -> np.ndarray:
    """Weighs each patch of each image for each token, as the first TokenLearner of a network does.

    Args:
        model: From `build_vit`, or loaded from a `.keras` file.
        images: As the model takes them, float32 [batch, height, width, 3].

    Returns:
        Weights in 0..1, float32 [batch, tokens, height, width] with height and width in patches. Those of version 1.1
        sum to 1 over the patches.

    Raises:
        ValueError: If nothing in the model has learnt where to look.
    """
    learners = [layer for layer in model.layers if isinstance(layer, TokenLearner | TokenLearnerV11)]
    if not learners:
        raise ValueError(
            f"the model {model.name!r} has no TokenLearner; only the reducers 'token_learner' and 'token_learner_v11' "
            "learn attention maps"
        )
    patches = keras.Model(model.input, learners[0].input)(images, training=False)  # [batch, patches, dim]
    weights = keras.ops.convert_to_numpy(keras.ops.cast(learners[0].attention_weights(patches), "float32"))
    _, height, width, _ = model.get_layer("patches").input.shape
    return weights.transpose(0, 2, 1).reshape(len(weights), -1, height, width)
