"""What CIFAR-10 consists of: its official files, their checksums, its classes and its place on disk."""

import dataclasses
import pathlib

from components import features

DATASET_NAME = "cifar10"
DATASET_VERSION = "3.0.2"  # the version that TFDS gives to these features and this order of examples

IMAGE_SIDE = 32  # pixels
IMAGE_CHANNELS = 3
IMAGE_PIXELS = IMAGE_SIDE * IMAGE_SIDE
RECORD_BYTES = 1 + IMAGE_CHANNELS * IMAGE_PIXELS  # one label byte, then the image as channels, height, width


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfficialFile:
    """One of the authors' binary files."""

    name: str
    md5: str  # hexadecimal, as published


@dataclasses.dataclass(frozen=True, kw_only=True)
class Download:
    """The authors' archive on the net."""

    url: str
    num_bytes: int
    sha256: str  # hexadecimal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edition:
    """The published files; tests describe a smaller edition with the same shape."""

    train_files: tuple[OfficialFile, ...]  # in the authors' order, which numbers the images
    test_files: tuple[OfficialFile, ...]
    records_per_file: int
    class_names: tuple[str, ...]  # the label is the position
    download: Download | None = None  # None: the one that TFDS knows

    @property
    def files(self) -> tuple[OfficialFile, ...]:
        """All official files, those of train first."""
        return self.train_files + self.test_files

    @property
    def split_sizes(self) -> dict[str, int]:
        """Number of examples by split."""
        return {
            "train": len(self.train_files) * self.records_per_file,
            "test": len(self.test_files) * self.records_per_file,
        }


CIFAR10 = Edition(
    train_files=(
        OfficialFile(name="data_batch_1.bin", md5="5dd7e06a14cb22eb9f671a540d1b7c25"),
        OfficialFile(name="data_batch_2.bin", md5="5ea93a67294ea407fff1d09f752e9692"),
        OfficialFile(name="data_batch_3.bin", md5="942cd6a4bcdd0dd3c604fbe906cb4421"),
        OfficialFile(name="data_batch_4.bin", md5="ae636b3ba5c66a11e91e8cb52e771fcb"),
        OfficialFile(name="data_batch_5.bin", md5="53f37980c15c3d472c316c40844f3f0d"),
    ),
    test_files=(OfficialFile(name="test_batch.bin", md5="803d5f7f4d78ea53de84dbe85f74fb6d"),),
    records_per_file=10_000,
    class_names=features.CLASS_NAMES,
)


def version_folder(data_dir: pathlib.Path) -> pathlib.Path:
    """Says where TFDS looks for the prepared dataset.

    Args:
        data_dir: Root folder of TFDS datasets.

    Returns:
        `<data_dir>/cifar10/3.0.2`.
    """
    return data_dir / DATASET_NAME / DATASET_VERSION
