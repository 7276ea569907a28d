"""What a prepared TFDS dataset says about its images: features, classes and sizes."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from components import features
from components.errors import BadDataError
from components.text_files import read_text

_INFO_FILE, _FEATURES_FILE = "dataset_info.json", "features.json"
SPLITS = {  # of TFDS datasets, by name
    "train": features.TRAIN_SPLIT,
    "valid": features.VALID_SPLIT,
    "validation": features.VALID_SPLIT,
    "val": features.VALID_SPLIT,
    "test": features.TEST_SPLIT,
}
_SIZES = (16, 32, 48, 64, 96)  # pixels, of images that a run resizes to by default
_SIZE_OF_MIXED = 64  # pixels, where images have different sizes


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageDataset:
    """A TFDS dataset with one image and one class label an example."""

    name: str
    class_names: tuple[str, ...]  # by label
    image_feature: str
    label_feature: str
    has_only_these: bool  # whether an example is id, image and label under these names, and nothing else
    has_ids: bool  # a text feature "id"
    height: int | None  # pixels; None: images have different sizes
    width: int | None
    channels: int | None
    images: Mapping[str, int]  # by split: train, valid or test; without splits that the dataset lacks

    def default_image_size(self) -> int:
        """Returns the side of the squares that a run trains on, pixels: the images' own, rounded up."""
        if self.height is None or self.width is None:
            return _SIZE_OF_MIXED
        return next((size for size in _SIZES if size >= min(self.height, self.width)), _SIZES[-1])

    def is_square(self, size: int) -> bool:
        """Returns whether all images are RGB squares of a size, which no step has to resize."""
        return (self.height, self.width, self.channels) == (size, size, 3)


CIFAR10 = ImageDataset(
    name="cifar10",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    image_feature=features.IMAGE,
    label_feature=features.LABEL,
    has_only_these=True,
    has_ids=True,
    height=32,
    width=32,
    channels=3,
    images={features.TRAIN_SPLIT: 50_000, features.TEST_SPLIT: 10_000},
)


def read_dataset(tfds_dir: pathlib.Path | str) -> ImageDataset:
    """Reads the metadata of a prepared TFDS dataset, without TFDS, which takes seconds to import.

    Args:
        tfds_dir: Its version folder, which holds `dataset_info.json`; may be in a bucket.

    Raises:
        BadDataError: If the folder holds no TFDS dataset with one image feature and one class label.
    """
    try:
        info, tree = (json.loads(read_text(f"{tfds_dir}/{name}")) for name in (_INFO_FILE, _FEATURES_FILE))
    except FileNotFoundError as error:
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset (no {pathlib.PurePath(str(error)).name})") from error
    except (OSError, ValueError) as error:
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset that can be read: {error}") from error
    try:
        kinds = tree["featuresDict"]["features"]
        name, splits = info["name"], info["splits"]
    except (KeyError, TypeError) as error:
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset of plain features: it has no {error}") from error
    image, label = (_find_only(kinds, kind, tfds_dir) for kind in ("image", "classLabel"))
    sizes = [max(int(size), 0) or None for size in kinds[image]["image"]["shape"]["dimensions"]]
    has_ids = "text" in kinds.get(features.ID, {})
    ours = {features.ID, features.IMAGE, features.LABEL}
    return ImageDataset(
        name=name,
        class_names=_read_class_names(f"{tfds_dir}/{label}.labels.txt", int(kinds[label]["classLabel"]["numClasses"])),
        image_feature=image,
        label_feature=label,
        has_only_these=has_ids and {features.ID, image, label} == set(kinds) == ours,
        has_ids=has_ids,
        height=sizes[0],
        width=sizes[1],
        channels=sizes[2],
        images={
            SPLITS[each["name"]]: sum(map(int, each.get("shardLengths", ())))
            for each in splits
            if each["name"] in SPLITS
        },
    )


def find_dataset(tfds_dir: pathlib.Path | str) -> ImageDataset:
    """Returns what `read_dataset` reads, or CIFAR-10's where it cannot; the ExampleGen says why."""
    try:
        return read_dataset(tfds_dir)
    except BadDataError:
        return CIFAR10


def _find_only(kinds: dict[str, Any], kind: str, tfds_dir: pathlib.Path | str) -> str:
    """Returns the name of the only feature of a kind."""
    names = [name for name, feature in kinds.items() if kind in feature]
    if len(names) != 1:
        found = f"{len(names)} ({', '.join(names)})" if names else "none"
        raise BadDataError(f"the TFDS dataset in {tfds_dir} needs one feature of type {kind}; it has {found}")
    return names[0]


def _read_class_names(path: str, classes: int) -> tuple[str, ...]:
    """Returns the names of the classes, which are numbers where the dataset has none."""
    try:
        names = read_text(path).splitlines()
    except FileNotFoundError:
        names = []
    return tuple(names) if len(names) == classes else tuple(map(str, range(classes)))
