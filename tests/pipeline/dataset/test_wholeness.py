"""Which folders pass for a whole dataset."""

import json
import pathlib

import pytest

from pipeline.dataset.wholeness import describe_flaw

_SIZES = {"train": 3, "test": 1}


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Metadata of two train shards and one test shard, with files of the right size."""
    splits = [
        {"name": "train", "shardLengths": ["2", "1"], "numBytes": "70"},
        {"name": "test", "shardLengths": ["1"], "numBytes": "20"},
    ]
    (tmp_path / "dataset_info.json").write_text(json.dumps({"name": "cifar10", "splits": splits}))
    (tmp_path / "cifar10-train.tfrecord-00000-of-00002").write_bytes(bytes(50 + 2 * 16))
    (tmp_path / "cifar10-train.tfrecord-00001-of-00002").write_bytes(bytes(20 + 16))
    (tmp_path / "cifar10-test.tfrecord-00000-of-00001").write_bytes(bytes(20 + 16))
    return tmp_path


def test_a_whole_dataset_has_no_flaw(folder: pathlib.Path) -> None:
    assert describe_flaw(folder, _SIZES) is None


def test_a_missing_shard_is_a_flaw(folder: pathlib.Path) -> None:
    (folder / "cifar10-train.tfrecord-00001-of-00002").unlink()
    assert describe_flaw(folder, _SIZES) == "holds 82 bytes of train records instead of 118"


def test_another_number_of_examples_is_a_flaw(folder: pathlib.Path) -> None:
    assert describe_flaw(folder, {"train": 4, "test": 1}) == "holds 3 train, 1 test examples instead of 4 train, 1 test"


def test_missing_metadata_is_a_flaw(folder: pathlib.Path) -> None:
    (folder / "dataset_info.json").unlink()
    assert describe_flaw(folder, _SIZES) == "holds no dataset_info.json"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "cifar10", "splits": [{}]}'])
def test_metadata_of_another_kind_is_a_flaw(folder: pathlib.Path, text: str) -> None:
    (folder / "dataset_info.json").write_text(text)
    assert describe_flaw(folder, _SIZES) == "holds a dataset_info.json that is not one of TFDS"


def test_another_dataset_is_a_flaw(folder: pathlib.Path) -> None:
    (folder / "dataset_info.json").write_text('{"name": "cifar100", "splits": []}')
    assert describe_flaw(folder, _SIZES) == "holds the dataset cifar100, not cifar10"
