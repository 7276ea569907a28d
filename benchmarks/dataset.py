"""Which images are measured on: all 60,000 where they are prepared, else the shipped sample."""

import pathlib

from pipeline.config import FULL, QUICK


def find_dataset() -> pathlib.Path:
    """Returns the version folder of the largest TFDS dataset at hand."""
    full = FULL.data.tfds_dir
    return full if (full / "dataset_info.json").is_file() else QUICK.data.tfds_dir
