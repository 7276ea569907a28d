"""Finds images that do not decode or have the wrong shape."""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from components import features

EXPECTED_SHAPE = (32, 32, 3)


class BadImage(NamedTuple):
    """An image that cannot be trained on."""

    split: str
    example_id: str
    reason: str  # such as "cannot be decoded"


def find_bad_images(split: str, file: str) -> Iterator[BadImage]:
    """Decodes every image of a TFRecord file and yields those that are not 32x32x3.

    Args:
        split: The split that the file belongs to.
        file: TFRecords of tf.Examples with the features id and image.

    Yields:
        The bad images, in the order of the file.
    """
    for position, record in enumerate(tf.data.TFRecordDataset(file).as_numpy_iterator()):
        values = tf.train.Example.FromString(record).features.feature
        reason = _what_is_wrong(values[features.IMAGE].bytes_list.value)
        if reason:
            ids = values[features.ID].bytes_list.value
            unnamed = f"record {position} of {pathlib.PurePath(file).name}"
            yield BadImage(split, ids[0].decode(errors="replace") if ids else unnamed, reason)


def _what_is_wrong(images: list[bytes]) -> str | None:
    if not images:
        return None  # a missing feature is the schema's affair
    try:
        shape = tuple(tf.io.decode_image(images[0], expand_animations=False).shape)
    except tf.errors.InvalidArgumentError:
        return "cannot be decoded"
    if shape != EXPECTED_SHAPE:
        expected, found = ("x".join(map(str, sizes)) for sizes in (EXPECTED_SHAPE, shape))
        return f"came as {found} instead of {expected}"
    return None
