"""Copies TFDS records into the splits that they belong to."""

import contextlib
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from components import features
from components.errors import BadDataError

_BATCH_SIZE = 512  # records read at once


def position_of(example_id: str) -> int:
    """Returns the position of an image in the authors' order, from its TFDS id.

    Args:
        example_id: Such as "train_00017".

    Returns:
        The position, here 17.

    Raises:
        BadDataError: If the id does not end in an underscore and digits.
    """
    digits = example_id.rpartition("_")[2]
    if not digits.isdecimal():
        raise BadDataError(f"an image has the id {example_id!r}; TFDS's cifar10 has ids such as 'train_00017'")
    return int(digits)


def copy_shard(source: str, tfds_split: str, images: int, output: str, train_images: int) -> dict[str, int]:
    """Copies the records of one TFDS file, unchanged, into the splits they belong to.

    Args:
        source: A TFRecord file of a TFDS dataset.
        tfds_split: The TFDS split it belongs to, "train" or "test".
        images: How many images the file should hold.
        output: Folder of an Examples artifact; the file keeps its name in each `Split-…` folder.
        train_images: How many of the first training images, in the authors' order, become train; the others are valid.

    Returns:
        The number of images by split.

    Raises:
        BadDataError: If the file is truncated or corrupt, holds another number of images, or has an image of the TFDS
            split "train" without a CIFAR-10 id.
    """
    counts = dict.fromkeys(features.SPLITS, 0)
    with contextlib.ExitStack() as stack:
        writers: dict[str, tf.io.TFRecordWriter] = {}
        for record, example_id in _read_records(source):
            split = features.TEST_SPLIT
            if tfds_split == "train":
                is_train = position_of(example_id) < train_images
                split = features.TRAIN_SPLIT if is_train else features.VALID_SPLIT
            if split not in writers:
                writers[split] = stack.enter_context(tf.io.TFRecordWriter(_split_file(output, split, source)))
            writers[split].write(record)
            counts[split] += 1
    if sum(counts.values()) != images:
        raise BadDataError(f"{source} holds {sum(counts.values())} images instead of {images}")
    return counts


def _read_records(source: str) -> Iterator[tuple[bytes, str]]:
    """Yields serialized tf.Examples with their ids, or ""; batches take a fifth of the time."""
    id_spec = {features.ID: tf.io.FixedLenFeature([], tf.string, default_value="")}
    batches = tf.data.TFRecordDataset(source).batch(_BATCH_SIZE)
    batches = batches.map(lambda records: (records, tf.io.parse_example(records, id_spec)[features.ID])).prefetch(1)
    try:
        for records, ids in batches.as_numpy_iterator():
            yield from zip(records, (example_id.decode() for example_id in ids), strict=True)
    except tf.errors.DataLossError as error:
        raise BadDataError(f"{source} is truncated or corrupt; delete its folder, then prepare it again") from error
    except tf.errors.InvalidArgumentError as error:
        raise BadDataError(f"{source} holds a record that is not a tf.Example with one id") from error


def _split_file(output: str, split: str, source: str) -> str:
    folder = f"{output}/Split-{split}"
    tf.io.gfile.makedirs(folder)
    # No .gz: PNGs do not compress, and every reader in TFX infers the compression from the name.
    return f"{folder}/{pathlib.PurePath(source).name}"
