"""What runs: configuration, the DAG, its runner and the command line."""

import os

# tensorflow_transform would set it as a side effect of its import; what `tf.keras` means must not hang on import order.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

# By default the first process that uses a GPU takes all of its memory: workers and members train beside the Trainer.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
