"""TensorFlow Lite models, float32 and int8, of the exported model, measured on the same test images."""
