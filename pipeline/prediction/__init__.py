"""`tokenlearner predict`: what a model says of images and of files of tf.Examples; without TFX."""
