"""What runs: configuration, the DAG, its runner and the command line."""

import os

# tensorflow_transform would set it as a side effect of its import; what `tf.keras` means must not hang on import order.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
