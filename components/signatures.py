"""Names in the exported SavedModel, shared by the Trainer, the Evaluator and servers."""

SERVE_EXAMPLES = "serving_default"  # serialized tf.Examples
SERVE_IMAGES = "serve_images"  # uint8 [batch, 32, 32, 3]
ATTENTION_MAPS = "attention_maps"  # of serialized tf.Examples; only of reducers with attention maps
TRANSFORM_FEATURES = "transform_features"  # what TFMA slices by

CLASSIFY_PIXELS = "classify_pixels"  # no signature: the function of the module that the LiteConverter converts

PROBABILITIES = "probabilities"  # output of the first two and of the last, float32 [batch, classes]
MAPS = "maps"  # output of the third, float32 [batch, tokens, height, width]
