"""The records of a TFDS dataset, with the features id, image and label."""

import dataclasses
import hashlib
import io
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import PIL.Image
import tensorflow as tf
import tensorflow_datasets as tfds
from google.protobuf.message import DecodeError
from tfx.dsl.io import fileio

from components import features
from components.errors import BadDataError
from components.image_dataset import SPLITS, ImageDataset

_DIGEST_BYTES = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """A TFRecord file of a dataset."""

    path: str
    tfds_split: str
    split: str  # train, valid or test
    first: int  # position of its first image in the TFDS split
    images: int


class Record(NamedTuple):
    """One image of a dataset."""

    example_id: str
    label: int
    image: bytes  # encoded
    serialized: bytes  # tf.Example with the features id, image and label


def list_shards(tfds_dir: pathlib.Path | str) -> list[Shard]:
    """Lists the files of a prepared TFDS dataset.

    Args:
        tfds_dir: Its version folder; may be in a bucket.

    Raises:
        BadDataError: If the dataset is not complete or has no split train.
    """
    try:
        infos = tfds.builder_from_directory(str(tfds_dir)).info.splits
    except Exception as error:  # TFDS raises a dozen kinds
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset that can be read: {error}") from error
    shards = []
    for tfds_split in [name for name in infos if name in SPLITS]:
        first = 0
        for path, images in zip(infos[tfds_split].filepaths, infos[tfds_split].shard_lengths, strict=True):
            split = SPLITS[tfds_split]
            shards.append(Shard(path=str(path), tfds_split=tfds_split, split=split, first=first, images=images))
            first += images
    if all(shard.split != features.TRAIN_SPLIT for shard in shards):
        raise BadDataError(f"the TFDS dataset in {tfds_dir} has no split train")
    for shard in shards:
        if not fileio.exists(shard.path):
            raise BadDataError(f"the TFDS dataset in {tfds_dir} lacks its file {shard.path}")
    return shards


def read_records(dataset: ImageDataset, shard: Shard) -> Iterator[Record]:
    """Yields the records of a file; those that have exactly our features are unchanged.

    Images without an id are named after split and position, such as "train_00017".

    Raises:
        BadDataError: If the file is truncated or corrupt, or holds another number of images.
    """
    images = 0
    try:
        for images, record in enumerate(tf.data.TFRecordDataset(shard.path).as_numpy_iterator(), start=1):
            values = tf.train.Example.FromString(record).features.feature
            ids = values[features.ID].bytes_list.value if dataset.has_ids else ()
            if len(ids) > 1:
                raise BadDataError(f"{shard.path} holds a record that is not a tf.Example with one id")
            position = shard.first + images - 1
            named = b"".join(ids).decode(errors="replace") if dataset.has_ids else f"{shard.tfds_split}_{position:05d}"
            # The data gate reports missing values.
            label = next(iter(values[dataset.label_feature].int64_list.value), -1)
            image = next(iter(values[dataset.image_feature].bytes_list.value), b"")
            yield Record(named, label, image, record if dataset.has_only_these else _write(named, label, image))
    except tf.errors.DataLossError as error:
        raise BadDataError(f"{shard.path} is truncated or corrupt; delete its folder, then prepare it again") from error
    except DecodeError as error:
        raise BadDataError(f"{shard.path} holds a record that is not a tf.Example") from error
    if images != shard.images:
        raise BadDataError(f"{shard.path} holds {images} images instead of {shard.images}")


def digest_pixels(image: bytes) -> bytes:
    """Returns a digest of an encoded image's pixels, or of its bytes where it cannot be decoded."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    try:
        with PIL.Image.open(io.BytesIO(image)) as file:
            pixels = file if file.mode == "RGB" else file.convert("RGB")  # large images are not copied
            digest.update(f"{pixels.size} ".encode())
            digest.update(pixels.tobytes())
    except Exception:  # Pillow's decoders raise errors of many kinds; the data gate names the image
        digest.update(image)
    return digest.digest()


def _write(example_id: str, label: int, image: bytes) -> bytes:
    example = tf.train.Example()
    example.features.feature[features.ID].bytes_list.value.append(example_id.encode())
    example.features.feature[features.IMAGE].bytes_list.value.append(image)
    example.features.feature[features.LABEL].int64_list.value.append(label)
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized
