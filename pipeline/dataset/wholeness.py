"""Tells a whole prepared dataset from a half one, without TensorFlow."""

import collections.abc
import json
import pathlib

from pipeline.dataset.edition import DATASET_NAME

_TFRECORD_FRAME_BYTES = 16  # length, its checksum and the record's checksum around each record


def describe_flaw(folder: pathlib.Path, split_sizes: collections.abc.Mapping[str, int]) -> str | None:
    """Compares a TFDS version folder with what its own metadata and the edition promise.

    Args:
        folder: TFDS version folder.
        split_sizes: Expected number of examples by split.

    Returns:
        What is wrong, in words that follow the folder's name, or None when the dataset is whole.
    """
    try:
        info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
        if info["name"] != DATASET_NAME:
            return f"holds the dataset {info['name']}, not {DATASET_NAME}"
        splits = {split["name"]: split for split in info["splits"]}
        lengths = {name: [int(length) for length in split["shardLengths"]] for name, split in splits.items()}
        num_bytes = {name: int(split["numBytes"]) for name, split in splits.items()}
    except FileNotFoundError as error:
        return f"holds no {pathlib.Path(error.filename).name}"
    except (ValueError, KeyError, TypeError):
        return "holds a dataset_info.json that is not one of TFDS"
    sizes = {name: sum(shards) for name, shards in lengths.items()}
    if sizes != dict(split_sizes):
        return f"holds {_in_words(sizes)} examples instead of {_in_words(split_sizes)}"
    for name, shards in lengths.items():
        found = sum(
            _size(folder / f"{DATASET_NAME}-{name}.tfrecord-{i:05d}-of-{len(shards):05d}") for i in range(len(shards))
        )
        expected = num_bytes[name] + _TFRECORD_FRAME_BYTES * sizes[name]
        if found != expected:
            return f"holds {found:,} bytes of {name} records instead of {expected:,}"
    return None


def _size(file: pathlib.Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _in_words(sizes: collections.abc.Mapping[str, int]) -> str:
    return ", ".join(f"{size:,} {name}" for name, size in sizes.items())
