"""Which split an image belongs to, and the copying of records into splits."""

import abc
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterable, Mapping

import tensorflow as tf

from components import features
from components.errors import BadDataError
from components.example_gen.records import Record, Shard, digest_pixels, read_records
from components.image_dataset import ImageDataset


class SplitRule(abc.ABC):
    """Chooses the split of an image."""

    @abc.abstractmethod
    def choose(self, shard: Shard, record: Record) -> str:
        """Returns train, valid or test."""


@dataclasses.dataclass(frozen=True)
class AsIs(SplitRule):
    """The splits of the dataset."""

    def choose(self, shard: Shard, record: Record) -> str:  # noqa: ARG002
        """Returns the split of the file."""
        return shard.split


@dataclasses.dataclass(frozen=True)
class ByPosition(SplitRule):
    """CIFAR-10's: the first training images in the authors' order are train, the others valid."""

    train_images: int

    def choose(self, shard: Shard, record: Record) -> str:
        """Returns the split of an image by its id.

        Raises:
            BadDataError: If the id does not end in an underscore and digits.
        """
        if shard.split != features.TRAIN_SPLIT:
            return shard.split
        return features.TRAIN_SPLIT if position_of(record.example_id) < self.train_images else features.VALID_SPLIT


@dataclasses.dataclass(frozen=True)
class Cut:
    """How the training images of a class are divided, by the digests of their pixels."""

    test_below: bytes  # digests below are test
    valid_below: bytes  # other digests below are valid


@dataclasses.dataclass(frozen=True)
class ByPixels(SplitRule):
    """Splits that the dataset lacks are cut from the training images of each class, ordered by a digest of the pixels.

    Identical images are in one split, even if they have several labels: then the first label counts.
    """

    cuts: Mapping[int, Cut]  # by label
    first_labels: Mapping[bytes, int]  # of the digests that occur with several labels

    def choose(self, shard: Shard, record: Record) -> str:
        """Returns the split of an image by its pixels."""
        if shard.split != features.TRAIN_SPLIT:
            return shard.split
        digest = digest_pixels(record.image)
        cut = self.cuts[self.first_labels.get(digest, record.label)]
        if digest < cut.test_below:
            return features.TEST_SPLIT
        return features.VALID_SPLIT if digest < cut.valid_below else features.TRAIN_SPLIT


def cut_class(digests: Iterable[bytes], test_share: float, valid_share: float) -> Cut:
    """Divides the training images of a class.

    Args:
        digests: Of their pixels.
        test_share: Of them that become test, 0..1; 0 if the dataset has this split.
        valid_share: Of them that become valid, 0..1; 0 if the dataset has this split.

    Returns:
        The cut; a share above 0 takes at least one image of three or more.
    """
    ordered = sorted(digests)
    counts = [max(round(len(ordered) * share), share > 0 and len(ordered) >= 3) for share in (test_share, valid_share)]
    ends = [*ordered, b"\xff" * (len(ordered[0]) + 1)]
    return Cut(test_below=ends[counts[0]], valid_below=ends[min(sum(counts), len(ordered))])


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


def copy_shard(shard: Shard, dataset: ImageDataset, rule: SplitRule, output: str) -> dict[str, int]:
    """Copies the records of one TFDS file into the splits they belong to.

    Args:
        shard: The file.
        dataset: That it belongs to.
        rule: Chooses the split.
        output: Folder of an Examples artifact; the file keeps its name in each `Split-…` folder.

    Returns:
        The number of images by split.

    Raises:
        BadDataError: If the file is truncated or corrupt, holds another number of images, or has a record without a
            split.
    """
    counts = dict.fromkeys(features.SPLITS, 0)
    with contextlib.ExitStack() as stack:
        writers: dict[str, tf.io.TFRecordWriter] = {}
        for record in read_records(dataset, shard):
            split = rule.choose(shard, record)
            if split not in writers:
                writers[split] = stack.enter_context(tf.io.TFRecordWriter(_split_file(output, split, shard.path)))
            writers[split].write(record.serialized)
            counts[split] += 1
    return counts


def _split_file(output: str, split: str, source: str) -> str:
    folder = f"{output}/Split-{split}"
    tf.io.gfile.makedirs(folder)
    # No .gz: PNGs do not compress, and every reader in TFX infers the compression from the name.
    return f"{folder}/{pathlib.PurePath(source).name}"
