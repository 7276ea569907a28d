"""Smaller twins of the exported model: TFLite in float32 and int8, measured on the same test images."""
