"""TFDS builders with examples from the caller: its own CIFAR-10 builder, and one for any images.

Features, keys, shuffling and shards are those of TFDS. Only the order of the features inside a serialized example,
which TFDS leaves to chance, is fixed, so that the same images give the same bytes.
"""

import contextlib
import io
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from components import features
from components.image_dataset import CIFAR10

KeyedExample = tuple[int | str, dict[str, Any]]  # CIFAR-10's position in the authors' order, or any id; features

_HEIGHT, _WIDTH, _CHANNELS = 32, 32, 3  # of CIFAR-10
_RECORD_BYTES = 1 + _HEIGHT * _WIDTH * _CHANNELS  # one byte of label, then the image as [channel, height, width]


class _CanonicalWriter(tfds.core.ExampleWriter):
    """Writes the features of each example in the order of their names."""

    def write(self, path: os.PathLike[str], examples: Iterable[tuple[Any, bytes]]) -> Any:
        return super().write(path, ((key, self._sort(example)) for key, example in examples))

    def _sort(self, example: bytes) -> bytes:
        return tf.train.Example.FromString(example).SerializeToString(deterministic=True)


class _GivenExamples(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """A builder that takes its examples instead of downloading them."""

    def __init__(self, data_dir: pathlib.Path, splits: Mapping[str, Iterable[KeyedExample]]) -> None:
        self._splits = splits
        super().__init__(data_dir=data_dir)

    def _example_writer(self) -> tfds.core.ExampleWriter:
        return _CanonicalWriter(file_format=self.info.file_format)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> Any:
        del dl_manager
        return self._splits

    def _generate_examples(self) -> Any:
        raise NotImplementedError("the examples are given")


class _Cifar10(_GivenExamples, tfds.image_classification.Cifar10, skip_registration=True):  # type: ignore[call-arg]
    name = "cifar10"

    def _info(self) -> tfds.core.DatasetInfo:
        info = super()._info()
        info.features["label"].names = CIFAR10.class_names
        return info


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
    return _write(_Cifar10(data_dir, splits))


def build_images(
    data_dir: pathlib.Path,
    dataset: str,
    version: str,
    class_names: Sequence[str],
    splits: Mapping[str, Iterable[KeyedExample]],
    size: tuple[int, int] | None = None,
) -> pathlib.Path:
    """Writes a TFDS dataset of images with the features id, image and label.

    Args:
        data_dir: Root folder of TFDS datasets that does not hold this dataset.
        dataset: Its name.
        version: Such as "1.0.0".
        class_names: By label.
        splits: Examples by split; images are encoded.
        size: Height and width of all images, pixels; None: they differ.

    Returns:
        The version folder.

    Raises:
        OSError: The disk cannot be written to.
    """
    shape = (*(size or (None, None)), features.CHANNELS)

    class Images(_GivenExamples, skip_registration=True):  # type: ignore[call-arg]
        name = dataset
        VERSION = tfds.core.Version(version)

        def _info(self) -> tfds.core.DatasetInfo:
            label = tfds.features.ClassLabel(names=list(class_names))
            each = {"id": tfds.features.Text(), "image": tfds.features.Image(shape=shape), "label": label}
            description = "Image files in class folders, imported by `tokenlearner data import`."
            return tfds.core.DatasetInfo(
                builder=self,
                description=description,
                features=tfds.features.FeaturesDict(each),
                supervised_keys=("image", "label"),
            )

    return _write(Images(data_dir, splits))


def _write(builder: tfds.core.DatasetBuilder) -> pathlib.Path:
    tfds.display_progress_bar(sys.stderr.isatty())
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
