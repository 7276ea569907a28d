"""CIFAR-10 as a TFDS dataset: where its records come from, how they are prepared, and a sample of them."""
