"""Finds images that do not decode or have the wrong shape."""

import pathlib
from collections.abc import Iterable, Iterator

import tensorflow as tf

from components import features
from components.data_gate.bad_image import BadImage

_BATCH_SIZE = 512  # images decoded at once; one by one takes about twice as long


def find_bad_images(split: str, file: str) -> Iterator[BadImage]:
    """Decodes every image of a TFRecord file and yields those that are not 32x32x3.

    Args:
        split: The split that the file belongs to.
        file: TFRecords of tf.Examples with the features id and image.

    Yields:
        The bad images, in the order of the file.
    """
    position = 0
    for records in tf.data.TFRecordDataset(file).batch(_BATCH_SIZE).as_numpy_iterator():
        examples = [tf.train.Example.FromString(record).features.feature for record in records]
        # Without an image there is nothing to decode: a missing feature is the schema's affair.
        images = [(at, example[features.IMAGE].bytes_list.value[:1]) for at, example in enumerate(examples)]
        images = [(at, image[0]) for at, image in images if image]
        for (at, _), reason in zip(images, _find_reasons([image for _, image in images]), strict=True):
            if reason:
                ids = examples[at][features.ID].bytes_list.value
                unnamed = f"record {position + at} of {pathlib.PurePath(file).name}"
                yield BadImage(split, ids[0].decode(errors="replace") if ids else unnamed, reason)
        position += len(records)


def _find_reasons(images: list[bytes]) -> list[str]:
    """Says of each encoded image what is wrong with it, "" for nothing."""
    try:
        shapes = _decoded_shapes(tf.constant(images, tf.string)).numpy()
    except tf.errors.InvalidArgumentError:
        if len(images) == 1:
            return ["cannot be decoded"]
        return [reason for image in images for reason in _find_reasons([image])]
    return ["" if tuple(shape) == features.IMAGE_SHAPE else _describe_shape(shape) for shape in shapes]


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _decoded_shapes(images: tf.Tensor) -> tf.Tensor:
    """Returns height, width and channels of each encoded image, int32 [batch, 3]."""
    return tf.map_fn(
        lambda image: tf.shape(tf.io.decode_image(image, expand_animations=False)),
        images,
        fn_output_signature=tf.TensorSpec([3], tf.int32),
    )


def _describe_shape(shape: Iterable[int]) -> str:
    expected, found = ("x".join(map(str, sizes)) for sizes in (features.IMAGE_SHAPE, shape))
    return f"came as {found} instead of {expected}"
