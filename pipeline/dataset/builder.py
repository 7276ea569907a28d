"""TFDS's own CIFAR-10 builder with examples from the caller.

Features, keys, shuffling and shards are those of TFDS. Only the order of the features inside a serialized example,
which TFDS leaves to chance, is fixed, so that the same images give the same bytes.
"""

import contextlib
import io
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from components import features

KeyedExample = tuple[int, dict[str, Any]]  # position in the authors' order, features by name

_HEIGHT, _WIDTH, _CHANNELS = features.IMAGE_SHAPE
_RECORD_BYTES = 1 + _HEIGHT * _WIDTH * _CHANNELS  # one byte of label, then the image as [channel, height, width]


class _CanonicalWriter(tfds.core.ExampleWriter):
    """Writes the features of each example in the order of their names."""

    def write(self, path: os.PathLike[str], examples: Iterable[tuple[Any, bytes]]) -> Any:
        return super().write(path, ((key, self._sort(example)) for key, example in examples))

    def _sort(self, example: bytes) -> bytes:
        return tf.train.Example.FromString(example).SerializeToString(deterministic=True)


class _Builder(tfds.image_classification.Cifar10, skip_registration=True):  # type: ignore[call-arg]
    """TFDS's builder, which takes its examples instead of downloading them."""

    name = "cifar10"

    def __init__(self, data_dir: pathlib.Path, splits: Mapping[str, Iterable[KeyedExample]]) -> None:
        self._splits = splits
        super().__init__(data_dir=data_dir)

    def _example_writer(self) -> tfds.core.ExampleWriter:
        return _CanonicalWriter(file_format=self.info.file_format)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> Any:
        del dl_manager
        self.info.features["label"].names = features.CLASS_NAMES
        return self._splits


def build(data_dir: pathlib.Path, splits: Mapping[str, Iterable[KeyedExample]]) -> pathlib.Path:
    """Writes the TFDS dataset `cifar10`.

    Args:
        data_dir: Root folder of TFDS datasets that does not hold this dataset.
        splits: Examples by split.

    Returns:
        The version folder.

    Raises:
        OSError: The disk cannot be written to.
    """
    tfds.display_progress_bar(sys.stderr.isatty())
    builder = _Builder(data_dir, splits)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints where it writes to
            builder.download_and_prepare()
    except (RuntimeError, tf.errors.OpError) as error:  # TFDS wraps the file system's error
        raise OSError(str(error)) from error
    return pathlib.Path(builder.data_dir)


def generate_examples(files: Mapping[str, bytes], split: str) -> Iterator[KeyedExample]:
    """Yields the examples of a split.

    Args:
        files: Contents of the authors' binary files, by name.
        split: "train" or "test".
    """
    content = b"".join(content for name, content in files.items() if name.startswith("test") == (split == "test"))
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
    for position, record in enumerate(records):
        image = record[1:].reshape(_CHANNELS, _HEIGHT, _WIDTH).transpose(1, 2, 0)
        yield position, {"id": f"{split}_{position:05d}", "image": image, "label": int(record[0])}
