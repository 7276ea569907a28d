"""The records of a TFDS dataset, with the features id, image and label."""

import hashlib
import io
from collections.abc import Iterator
from typing import NamedTuple

import PIL.Image
import tensorflow as tf

from components import features
from components.errors import BadDataError
from components.image_dataset import ImageDataset, Shard

_BATCH_SIZE = 512  # records read at once
DIGEST_BYTES = 16


class Record(NamedTuple):
    """One image of a dataset."""

    example_id: str
    label: int
    image: bytes  # encoded
    serialized: bytes  # tf.Example with the features id, image and label


def read_records(dataset: ImageDataset, shard: Shard) -> Iterator[Record]:
    """Yields the records of a file; those that have exactly our features are unchanged.

    Images without an id are named after split and position, such as "train_00017".

    Raises:
        BadDataError: If the file is truncated or corrupt, or holds another number of images.
    """
    spec = {
        dataset.image_feature: tf.io.FixedLenFeature([], tf.string, default_value=""),
        dataset.label_feature: tf.io.FixedLenFeature([], tf.int64, default_value=-1),
    }
    if dataset.has_ids:
        spec[features.ID] = tf.io.FixedLenFeature([], tf.string, default_value="")
    batches = tf.data.TFRecordDataset(shard.path).batch(_BATCH_SIZE)
    batches = batches.map(lambda records: (records, tf.io.parse_example(records, spec))).prefetch(1)
    images = 0
    try:
        for records, parsed in batches.as_numpy_iterator():
            for i, record in enumerate(records):
                position = shard.first + images + i
                own_id = parsed[features.ID][i].decode(errors="replace") if dataset.has_ids else ""
                label, image = int(parsed[dataset.label_feature][i]), parsed[dataset.image_feature][i]
                named = own_id if dataset.has_ids else f"{shard.tfds_split}_{position:05d}"
                yield Record(named, label, image, record if dataset.has_only_these else _write(named, label, image))
            images += len(records)
    except tf.errors.DataLossError as error:
        raise BadDataError(f"{shard.path} is truncated or corrupt; delete its folder, then prepare it again") from error
    except tf.errors.InvalidArgumentError as error:
        raise BadDataError(
            f"{shard.path} holds a record that is not a tf.Example with one id, image and label"
        ) from error
    if images != shard.images:
        raise BadDataError(f"{shard.path} holds {images} images instead of {shard.images}")


def digest_pixels(image: bytes) -> bytes:
    """Returns a digest of an encoded image's pixels, or of its bytes where it cannot be decoded."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        with PIL.Image.open(io.BytesIO(image)) as file:
            pixels = file.convert("RGB")
        digest.update(f"{pixels.size} ".encode() + pixels.tobytes())
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
