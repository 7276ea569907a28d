"""The steps of the DAG, one folder or file each."""

from components.machine import configure_tensorflow

configure_tensorflow()  # every process that trains or serves imports this package before TensorFlow
