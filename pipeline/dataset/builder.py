"""TFDS's own CIFAR-10 builder, told where its examples come from.

Features, keys, shuffling and shards are those of TFDS. Only the order of the features inside a serialized example,
which TFDS leaves to chance, is fixed, so that the same images give the same bytes.
"""

import collections.abc
import dataclasses
import errno
import os
import pathlib
import typing

import rich.progress
import tensorflow as tf
import tensorflow_datasets as tfds

from components.errors import DataFailure
from pipeline.dataset.download import find_url, show_download
from pipeline.dataset.edition import DATASET_NAME, DATASET_VERSION, Edition
from pipeline.dataset.workspace import STORAGE_ERRNOS

KeyedExample = tuple[int, dict[str, typing.Any]]  # position in the authors' order, features by name

_ERRNO_BY_REASON = {os.strerror(number): number for number in errno.errorcode}


class _CanonicalWriter(tfds.core.ExampleWriter):
    """Writes the features of each example in the order of their names."""

    def write(self, path: os.PathLike[str], examples: collections.abc.Iterable[tuple[typing.Any, bytes]]) -> typing.Any:
        return super().write(path, ((key, self._in_order(example)) for key, example in examples))

    def _in_order(self, example: bytes) -> bytes:
        return tf.train.Example.FromString(example).SerializeToString(deterministic=True)


class _Cifar10(tfds.image_classification.Cifar10, skip_registration=True):  # type: ignore[call-arg]
    """TFDS's builder under its own name, whatever the class is called, with bytes that do not change."""

    VERSION = tfds.core.Version(DATASET_VERSION)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(skip_registration=True)
        cls.name = DATASET_NAME

    def _example_writer(self) -> tfds.core.ExampleWriter:
        return _CanonicalWriter(file_format=self.info.file_format)


class ExamplesBuilder(_Cifar10):
    """CIFAR-10 from examples that are already at hand.

    Args:
        data_dir: Root folder of TFDS datasets.
        class_names: The label is the position.
        splits: Examples by split.
    """

    def __init__(
        self,
        *,
        data_dir: pathlib.Path,
        class_names: collections.abc.Sequence[str],
        splits: collections.abc.Mapping[str, collections.abc.Iterable[KeyedExample]],
    ):
        self._class_names = class_names
        self._splits = splits
        super().__init__(data_dir=data_dir)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> typing.Any:
        del dl_manager
        self.info.features["label"].names = self._class_names
        return self._splits


class FilesBuilder(_Cifar10):
    """CIFAR-10 from the authors' files, in a local folder or downloaded by TFDS.

    Args:
        data_dir: Root folder of TFDS datasets.
        edition: Which files there are.
        folder: Where they are; None for TFDS's download.
        progress: Display for the bars.
    """

    def __init__(
        self, *, data_dir: pathlib.Path, edition: Edition, folder: pathlib.Path | None, progress: rich.progress.Progress
    ):
        self._edition = edition
        self._folder = folder
        self._progress = progress
        super().__init__(data_dir=data_dir)

    @property
    def url_infos(self) -> dict[str, typing.Any]:
        """Size and SHA-256 of the download, for TFDS to check."""
        known = tfds.image_classification.Cifar10.url_infos
        download = self._edition.download
        if download is None:
            return known
        (info,) = known.values()
        return {download.url: dataclasses.replace(info, size=download.num_bytes, checksum=download.sha256)}

    @property
    def _cifar_info(self) -> typing.Any:
        info = super()._cifar_info._replace(
            train_files=[file.name for file in self._edition.train_files],
            test_files=[file.name for file in self._edition.test_files],
            url=find_url(self._edition),
        )
        return info if self._folder is None else info._replace(prefix="", label_files=[])

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> typing.Any:
        if self._folder is None:
            splits = self._download(dl_manager)
        else:
            self.info.features["label"].names = self._edition.class_names
            splits = super()._split_generators(_LocalFiles(self._folder))
        task = self._progress.add_task("Writing TFDS records", total=sum(self._edition.split_sizes.values()))
        return {split: self._count(examples, task) for split, examples in splits.items()}

    def _download(self, dl_manager: tfds.download.DownloadManager) -> typing.Any:
        url = find_url(self._edition)
        try:
            with show_download(pathlib.Path(dl_manager.download_dir), self.url_infos[url].size, self._progress):
                return super()._split_generators(dl_manager)
        except Exception as error:  # TFDS, requests and promise raise a dozen kinds, all of them a failed download
            if _find_os_error(error):
                raise
            reason = " ".join(str(error).partition("To debug")[0].replace("* ", "").split())
            raise DataFailure(f"TFDS could not download {url}: {reason}; try again or use another source.") from error

    def _count(
        self, examples: collections.abc.Iterable[KeyedExample], task: rich.progress.TaskID
    ) -> collections.abc.Iterator[KeyedExample]:
        for example in examples:
            yield example
            self._progress.advance(task)


@dataclasses.dataclass(frozen=True)
class _LocalFiles:
    """Answers TFDS's request for a download with a folder."""

    folder: pathlib.Path

    def download_and_extract(self, url: str) -> str:
        del url
        return os.fspath(self.folder)


def build(builder: tfds.core.DatasetBuilder) -> pathlib.Path:
    """Lets a builder write its dataset.

    Args:
        builder: A builder whose data_dir does not hold this dataset.

    Returns:
        The version folder.

    Raises:
        DataFailure: The download failed.
        OSError: The file system cannot be written to.
    """
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(force_checksums_validation=True))
    except Exception as error:  # TFDS wraps what it catches in a RuntimeError, or in an OSError without its number
        os_error = _find_os_error(error)
        if os_error is None:
            raise
        raise os_error from error
    return pathlib.Path(builder.data_dir)


def _find_os_error(error: BaseException | None) -> OSError | None:
    """Looks along the causes of an error for the file system's error."""
    while error is not None:
        if isinstance(error, tf.errors.OpError):
            reason = error.message.rpartition("; ")[2]
            return OSError(_ERRNO_BY_REASON[reason], reason) if reason in _ERRNO_BY_REASON else OSError(reason)
        if isinstance(error, OSError) and error.errno in STORAGE_ERRNOS:
            return OSError(error.errno, error.strerror, error.filename)
        error = error.__cause__
    return None
