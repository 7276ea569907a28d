"""Reads records of TFRecord files, and describes what is wrong with them."""

import dataclasses
import gzip
import os
import pathlib
import zlib
from collections.abc import Iterator, Sequence

import tensorflow as tf
from google.protobuf.message import DecodeError

from components import features

_FRAME_BYTES = 16  # around each record: its length and two checksums


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A record of a file."""

    file: str
    position: int  # in the file, from 0
    example: bytes  # serialized; b"" if it cannot be read
    error: str = ""  # why the file cannot be read from here on

    @property
    def id(self) -> str | None:
        """The example's id, if it has one."""
        ids = self._read_feature(features.ID)
        return ids[0].decode(errors="replace") if ids else None

    def find_flaw(self) -> str:
        """Describes what is wrong with a record that the model rejected."""
        images = self._read_feature(features.IMAGE)
        if images is None:
            return "it is not a tf.Example"
        if len(images) != 1:
            return f"its feature {features.IMAGE} has {len(images)} values instead of one"
        return "its image cannot be decoded"

    def _read_feature(self, name: str) -> Sequence[bytes] | None:
        try:
            return tf.train.Example.FromString(self.example).features.feature[name].bytes_list.value
        except DecodeError:
            return None


def read_records(name: str, path: str) -> Iterator[Record]:
    """Reads a TFRecord file; of a damaged one the records before the damage, and then one with an error.

    Args:
        name: Of the file, for the records.
        path: Of the file; with the suffix .gz it is unpacked, as all readers in TFX do.
    """
    is_packed = path.endswith(".gz")
    position = size = 0
    is_whole = False
    try:
        for example in tf.data.TFRecordDataset(path, "GZIP" if is_packed else "").as_numpy_iterator():
            yield Record(file=name, position=position, example=example)
            position += 1
            size += _FRAME_BYTES + len(example)
        # TensorFlow reports no error if a file ends within the length of a record.
        with gzip.open(path) if is_packed else pathlib.Path(path).open("rb") as file:
            is_whole = size == file.seek(0, os.SEEK_END)
    except (tf.errors.OpError, OSError, EOFError, zlib.error):
        pass
    if not is_whole:
        error = "the file cannot be read from here on: it is truncated, corrupt or protected"
        yield Record(file=name, position=position, example=b"", error=error)
