"""Duplicates: images with identical pixels and records with the same id, without TFX and TensorFlow."""

import dataclasses
import itertools
import json
import pathlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

DUPLICATES_PREFIX = "duplicates"  # of the files of JSON lines, one line per group
MOST_NAMED = 20  # ids that a message names


class Member(NamedTuple):
    """An image of a group."""

    split: str
    example_id: str


Group = tuple[Member, ...]  # images with identical pixels, at least two


@dataclasses.dataclass(frozen=True, kw_only=True)
class Duplicates:
    """The images that occur more than once, within a split or across splits."""

    groups: tuple[Group, ...]
    folder: pathlib.Path | None = dataclasses.field(default=None, compare=False)  # with the complete list

    @property
    def images(self) -> int:
        """How many images have identical pixels with another one."""
        return sum(len(group) for group in self.groups)

    def shared_images(self) -> Counter[str]:
        """Counts the images of each split whose pixels also occur in another split."""
        return Counter(member.split for group in self.across_splits().groups for member in group)

    def summarize(self) -> str:
        """Counts and names the images; there must be at least one group."""
        return f"{self.describe_counts()}: {self.describe()}"

    def describe_counts(self) -> str:
        """Describes how many images have the same pixels as another one, and how many of each split across splits."""
        shared = self.shared_images()
        across = ", ".join(f"{images:,} of {split}" for split, images in sorted(shared.items()))
        where = f"also in another split: {across}" if across else "none in another split"
        return f"{self.images:,} images have the same pixels as another one ({where})"

    def describe(self) -> str:
        """Names the images, at most 20 of them: "test_00007 (test) = train_00001 (train); …"."""
        named: list[Group] = []
        for group in self.groups:
            if sum(map(len, named)) + len(group) > MOST_NAMED and named:
                break
            named.append(group[:MOST_NAMED])
        words = "; ".join(" = ".join(f"{each.example_id} ({each.split})" for each in group) for group in named)
        more = self.images - sum(map(len, named))
        return words + (f" and {more:,} more" if more else "")

    def across_splits(self) -> "Duplicates":
        """Returns the groups whose images are of more than one split."""
        return Duplicates(groups=tuple(group for group in self.groups if len({each.split for each in group}) > 1))


def is_several(values: Iterable[object]) -> bool:
    """Returns whether there is more than one value, without reading on."""
    return len(list(itertools.islice(values, 2))) > 1


def encode_group(group: Iterable[Member]) -> str:
    """Returns a group as a line of JSON, in the order of splits and ids."""
    return json.dumps(sorted(group))


def read_duplicates(folder: pathlib.Path) -> Duplicates:
    """Reads what the DataGate wrote.

    Args:
        folder: Of its output `duplicates`.

    Returns:
        The groups, in the order of their first images.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is damaged.
    """
    files = sorted(folder.glob(f"{DUPLICATES_PREFIX}*.jsonl"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no {DUPLICATES_PREFIX}*.jsonl")
    found = decode_groups(line for file in files for line in file.read_text().splitlines())
    return dataclasses.replace(found, folder=folder)


def decode_groups(lines: Iterable[str]) -> Duplicates:
    """Returns the groups of lines that `encode_group` wrote."""
    groups = (tuple(Member(*member) for member in json.loads(line)) for line in lines)
    return Duplicates(groups=tuple(sorted(groups)))


def describe_shared_images(duplicates: Duplicates, split_images: Mapping[str, int], max_share: float) -> list[str]:
    """Describes which splits share too many images with another split.

    Args:
        duplicates: Of all splits.
        split_images: Number of images of each split.
        max_share: Share of a split's images that may also occur in another split, 0..1.

    Returns:
        One clause; empty if no split has more.
    """
    shared = duplicates.shared_images()
    over = [split for split, images in split_images.items() if shared[split] > max_share * images]
    if not over:
        return []
    counts = ", ".join(f"{shared[split]:,} of {split_images[split]:,} images of split {split}" for split in over)
    return [
        f"{counts} also occur in another split, and at most {max_share:.1%} may (--data.max-duplicate-share): "
        f"{duplicates.across_splits().describe()}"
    ]


def describe_shared_ids(ids: Mapping[str, Iterable[str]]) -> list[str]:
    """Describes which ids belong to several records.

    Args:
        ids: The splits of the records of each such id, one per record.

    Returns:
        One clause; empty if there is none.
    """
    if not ids:
        return []
    what = "1 id stands" if len(ids) == 1 else f"{len(ids):,} ids stand"
    named = [
        f"{example_id} ({', '.join(f'{count} in {split}' for split, count in sorted(Counter(splits).items()))})"
        for example_id, splits in sorted(ids.items())
    ]
    more = f" and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
    return [f"{what} for more than one record: {'; '.join(named[:MOST_NAMED])}{more}"]
