"""The sample that is shipped."""

import collections
import pathlib

import tensorflow_datasets as tfds

from components.image_dataset import CIFAR10

_SHIPPED = pathlib.Path(__file__).parents[3] / "data" / "cifar10_sample"


def _ids_and_labels(split: str) -> list[tuple[int, int]]:
    raw = {"image": tfds.decode.SkipDecoding()}
    dataset = tfds.builder_from_directory(_SHIPPED).as_dataset(split=split, decoders=raw)
    return [(int(row["id"].removeprefix(f"{split}_".encode())), int(row["label"])) for row in tfds.as_numpy(dataset)]


def _count(rows: list[tuple[int, int]], positions: range) -> dict[int, int]:
    return dict(collections.Counter(label for position, label in rows if position in positions))


def test_the_shipped_sample_is_balanced_and_split_as_promised() -> None:
    train, test = _ids_and_labels("train"), _ids_and_labels("test")
    assert _count(train, range(40_000)) == dict.fromkeys(range(10), 400)
    assert _count(train, range(40_000, 50_000)) == dict.fromkeys(range(10), 100)
    assert _count(test, range(10_000)) == dict.fromkeys(range(10), 100)
    assert len(set(train)) == len(train) == 5_000
    info = tfds.builder_from_directory(_SHIPPED).info
    assert info.full_name == "cifar10/3.0.2"
    assert tuple(info.features["label"].names) == CIFAR10.class_names
