"""Records of TFRecord files: where each stands, what it is called and what is wrong with it."""

import dataclasses
import gzip
import zlib
from collections.abc import Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError

from components import features

_BUFFER_BYTES = 2**20
_FRAME_BYTES = 16  # around each record: its length and two checksums
_CUT_OFF = "the file is truncated or corrupt from here on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A record of a file."""

    file: str
    position: int  # in the file, from 0
    example: bytes  # what it holds; b"" if it cannot be read
    flaw: str = ""  # why it cannot be read, and nothing behind it either

    @property
    def id(self) -> str | None:
        """Tells the example's id; None if it has none."""
        try:
            values = tf.train.Example.FromString(self.example).features.feature
        except DecodeError:
            return None
        ids = values[features.ID].bytes_list.value
        return ids[0].decode(errors="replace") if ids else None


def read_records(name: str, path: str) -> Iterator[Record]:
    """Reads a TFRecord file; of a damaged one, all up to the damage, and then a record that tells of it.

    Args:
        name: By which records tell of the file.
        path: Of the file; with the ending .gz it is unpacked, as all readers in TFX do.
    """
    compression = "GZIP" if path.endswith(".gz") else ""
    position = size = 0
    flaw = ""
    try:
        for example in tf.data.TFRecordDataset(path, compression, _BUFFER_BYTES).as_numpy_iterator():
            yield Record(file=name, position=position, example=example)
            position += 1
            size += _FRAME_BYTES + len(example)
        # TensorFlow takes a file that is cut off within the length of a record for whole.
        flaw = "" if size == _measure(path) else _CUT_OFF
    except (tf.errors.DataLossError, EOFError, gzip.BadGzipFile, zlib.error):
        flaw = _CUT_OFF
    except tf.errors.OpError as error:
        flaw = f"the file cannot be read: {error.message.rpartition('}} ')[2].partition(' [Op:')[0]}"
    if flaw:
        yield Record(file=name, position=position, example=b"", flaw=flaw)


def _measure(path: str) -> int:
    """Returns the size of a file in bytes, unpacked."""
    if not path.endswith(".gz"):
        return int(tf.io.gfile.stat(path).length)
    with tf.io.gfile.GFile(path, "rb") as packed, gzip.open(packed) as file:
        return sum(len(block) for block in iter(lambda: file.read(_BUFFER_BYTES), b""))


def find_flaw(example: bytes) -> str:
    """Says what is wrong with a record that a model rejected."""
    try:
        values = tf.train.Example.FromString(example).features.feature
    except DecodeError:
        return "it is no tf.Example"
    images = values[features.IMAGE].bytes_list.value
    if len(images) != 1:
        return f"it has {len(images)} values instead of one as its feature {features.IMAGE}"
    try:
        image = tf.io.decode_image(images[0], channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return "its image cannot be decoded"
    found, expected = ("x".join(map(str, shape)) for shape in (image.shape, features.IMAGE_SHAPE))
    return "the model rejects it" if found == expected else f"its image came as {found} instead of {expected}"
