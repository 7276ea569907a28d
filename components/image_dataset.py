"""What a prepared TFDS dataset says about its images: features, classes, sizes and splits."""

import dataclasses
import pathlib

import tensorflow_datasets as tfds
from tfx.dsl.io import fileio

from components import features
from components.errors import BadDataError

_SPLITS = {  # of TFDS datasets, by name
    "train": features.TRAIN_SPLIT,
    "valid": features.VALID_SPLIT,
    "validation": features.VALID_SPLIT,
    "val": features.VALID_SPLIT,
    "test": features.TEST_SPLIT,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """A TFRecord file of a dataset."""

    path: str
    tfds_split: str
    split: str  # train, valid or test
    first: int  # position of its first image in the TFDS split
    images: int


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
    shards: tuple[Shard, ...]

    @property
    def splits(self) -> frozenset[str]:
        """Those of train, valid and test that it has."""
        return frozenset(shard.split for shard in self.shards)


def read_dataset(tfds_dir: pathlib.Path | str) -> ImageDataset:
    """Reads the metadata of a prepared TFDS dataset.

    Args:
        tfds_dir: Its version folder, which holds `dataset_info.json`; may be in a bucket.

    Raises:
        BadDataError: If the folder holds no complete TFDS dataset with a train split, one image feature and one class
            label.
    """
    if not fileio.exists(f"{tfds_dir}/dataset_info.json"):
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset (no dataset_info.json)")
    try:
        info = tfds.builder_from_directory(str(tfds_dir)).info
    except Exception as error:  # TFDS raises a dozen kinds
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset that can be read: {error}") from error
    image, label = (_find_only(info, kind, tfds_dir) for kind in (tfds.features.Image, tfds.features.ClassLabel))
    shards = tuple(shard for split in info.splits if split in _SPLITS for shard in _list_shards(info.splits[split]))
    if not any(shard.split == features.TRAIN_SPLIT for shard in shards):
        raise BadDataError(f"the TFDS dataset in {tfds_dir} has no split train")
    for shard in shards:
        if not fileio.exists(shard.path):
            raise BadDataError(f"the TFDS dataset in {tfds_dir} lacks its file {shard.path}")
    height, width, _ = info.features[image].shape
    has_ids = features.ID in info.features and isinstance(info.features[features.ID], tfds.features.Text)
    ours = {features.ID, features.IMAGE, features.LABEL}
    return ImageDataset(
        name=info.name,
        class_names=tuple(info.features[label].names),
        image_feature=image,
        label_feature=label,
        has_only_these=has_ids and {features.ID, image, label} == set(info.features) == ours,
        has_ids=has_ids,
        height=height,
        width=width,
        shards=shards,
    )


def _find_only(info: tfds.core.DatasetInfo, kind: type, tfds_dir: pathlib.Path | str) -> str:
    """Returns the name of the only feature of a kind."""
    names = [name for name, feature in info.features.items() if type(feature) is kind]
    if len(names) != 1:
        found = f"{len(names)} ({', '.join(names)})" if names else "none"
        raise BadDataError(f"the TFDS dataset in {tfds_dir} needs one feature of type {kind.__name__}; it has {found}")
    return names[0]


def _list_shards(info: tfds.core.SplitInfo) -> list[Shard]:
    shards, first = [], 0
    for path, images in zip(info.filepaths, info.shard_lengths, strict=True):
        split = _SPLITS[info.name]
        shards.append(Shard(path=str(path), tfds_split=info.name, split=split, first=first, images=images))
        first += images
    return shards
