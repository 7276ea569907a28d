"""A TFDS dataset that holds another one's images several times, each copy under ids of its own."""

import json
import pathlib
import shutil

import tensorflow as tf

from components import features


def repeat_dataset(source: pathlib.Path, copies: int, folder: pathlib.Path) -> pathlib.Path:
    """Writes the dataset, a file for each copy.

    The id "train_00017" becomes "train_2_00017" in copy 2: another id, and the same place in the authors' order, which
    tells train from valid.

    Args:
        source: Version folder of a TFDS dataset with one file a split.
        copies: How often it holds each image.
        folder: Made.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    for name in ("features.json", "label.labels.txt"):
        shutil.copy(source / name, folder)
    info = json.loads((source / "dataset_info.json").read_text())
    for split in info["splits"]:
        [images] = split["shardLengths"]
        [records] = source.glob(f"cifar10-{split['name']}.tfrecord-*")
        for copy in range(copies):
            target = folder / f"cifar10-{split['name']}.tfrecord-{copy:05d}-of-{copies:05d}"
            _copy_records(records, target, copy)
        split["shardLengths"] = [images] * copies
        split["numBytes"] = str(sum(file.stat().st_size for file in folder.glob(f"cifar10-{split['name']}.*")))
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder


def _copy_records(source: pathlib.Path, target: pathlib.Path, copy: int) -> None:
    with tf.io.TFRecordWriter(str(target)) as writer:
        for record in tf.data.TFRecordDataset(str(source)).prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            example = tf.train.Example.FromString(record)
            ids = example.features.feature[features.ID].bytes_list.value
            name, _, position = ids[0].decode().rpartition("_")
            ids[0] = f"{name}_{copy}_{position}".encode()
            writer.write(example.SerializeToString(deterministic=True))
