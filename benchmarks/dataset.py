"""Which images are measured on: the shipped sample in the short form, all 60,000 in the long one."""

import pathlib

from components.errors import DataFailure
from pipeline.config import FULL, QUICK

SAMPLE = QUICK.data.tfds_dir
ALL_IMAGES = FULL.data.tfds_dir


def require_dataset(tfds_dir: pathlib.Path) -> pathlib.Path:
    """Returns the folder.

    Raises:
        DataFailure: If it holds no TFDS dataset.
    """
    if not (tfds_dir / "dataset_info.json").is_file():
        raise DataFailure(f"{tfds_dir} holds no TFDS dataset; make it with `tokenlearner data prepare`.")
    return tfds_dir


def assume_seed_deviation(images: int) -> float:
    """Returns what accuracies on a split are assumed to vary by from seed to seed, where each point was trained once.

    Args:
        images: Of the split that is measured on, which tells the sample from all images.
    """
    profile = FULL if images >= 10_000 else QUICK
    return profile.search.seed_deviation
