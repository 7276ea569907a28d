"""Names in the exported SavedModel: the words that the Trainer, the Evaluator and servers share."""

SERVE_EXAMPLES = "serving_default"  # serialized tf.Examples
SERVE_IMAGES = "serve_images"  # uint8 [batch, 32, 32, 3]
TRANSFORM_FEATURES = "transform_features"  # what TFMA slices by

PROBABILITIES = "probabilities"  # output of the first two, float32 [batch, classes]
