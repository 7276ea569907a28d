"""ExampleGen: CIFAR-10 as a TFDS dataset becomes tf.Example TFRecords in splits train, valid and test."""
