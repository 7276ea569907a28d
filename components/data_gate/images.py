"""Reads of every image its id, whether it can be trained on, and a digest of its pixels."""

import hashlib
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import tensorflow as tf

from components import features

_BATCH_SIZE = 512  # images decoded at once; one by one takes about twice as long
_DIGEST_BYTES = 16  # two different images share one with a probability of about 1e-29 among 60,000


class CheckedImage(NamedTuple):
    """One record of a split."""

    split: str
    label: int  # -1: the record has none
    example_id: str  # or "record N of FILE" where the record has none
    has_id: bool
    reason: str  # why it cannot be trained on, such as "cannot be decoded"; "": it can
    pixels: bytes  # digest of height, width, channels and pixels; empty unless it can be trained on


def check_images(split: str, file: str, size: int | None) -> Iterator[CheckedImage]:
    """Decodes every image of a TFRecord file.

    Args:
        split: The split that the file belongs to.
        file: TFRecords of tf.Examples with the features id and image.
        size: Height and width that every image must have, as RGB; None: any size.

    Yields:
        The images, in the order of the file.
    """
    position = 0
    batch_size = 1 if size is None else _BATCH_SIZE  # images of any size may be large
    for records in tf.data.TFRecordDataset(file).batch(batch_size).as_numpy_iterator():
        examples = [tf.train.Example.FromString(record).features.feature for record in records]
        # Without an image there is nothing to decode: a missing feature is an anomaly of the schema.
        images = {at: example[features.IMAGE].bytes_list.value[:1] for at, example in enumerate(examples)}
        images = {at: image[0] for at, image in images.items() if image}
        found = dict(zip(images, _check(list(images.values()), size), strict=True))
        for at, example in enumerate(examples):
            ids = example[features.ID].bytes_list.value
            unnamed = f"record {position + at} of {pathlib.PurePath(file).name}"
            name = ids[0].decode(errors="replace") if ids else unnamed
            label = next(iter(example[features.LABEL].int64_list.value), -1)
            yield CheckedImage(split, label, name, bool(ids), *found.get(at, ("", b"")))
        position += len(records)


def _check(images: list[bytes], size: int | None) -> list[tuple[str, bytes]]:
    """Returns for each encoded image what is wrong with it, or "", and the digest of its pixels."""
    try:
        shapes, contents = (of_all.numpy() for of_all in _decode(tf.constant(images, tf.string)))
    except tf.errors.InvalidArgumentError:
        if len(images) == 1:
            return [("cannot be decoded", b"")]
        return [found for image in images for found in _check([image], size)]
    return [
        ("", hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest())
        if size is None or tuple(shape) == (size, size, features.CHANNELS)
        else (_describe_shape(shape, size), b"")
        for shape, content in zip(shapes, contents, strict=True)
    ]


@tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string)])
def _decode(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the shape of each encoded image, int32 [batch, 3], and its pixels as a string [batch]."""

    def decode(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_image(image, expand_animations=False)
        shape = tf.shape(pixels)
        return shape, tf.io.serialize_tensor(pixels)

    return tf.map_fn(decode, images, fn_output_signature=(tf.TensorSpec([3], tf.int32), tf.TensorSpec([], tf.string)))


def _describe_shape(shape: Iterable[int], size: int) -> str:
    expected, found = ("x".join(map(str, sizes)) for sizes in ((size, size, features.CHANNELS), shape))
    return f"came as {found} instead of {expected}"
