"""`tokenlearner predict`: classifies image files and files of tf.Examples, without TFX."""
