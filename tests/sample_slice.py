"""Makes small slices of the shipped sample of real CIFAR-10, as TFDS datasets."""

import json
import pathlib
import shutil
from collections import Counter
from collections.abc import Callable

PROJECT = pathlib.Path(__file__).parent.parent
SAMPLE = PROJECT / "data" / "cifar10_sample"
SLICE = {"train": 40, "valid": 10, "test": 20}  # images a class

Change = Callable[[int, bytes], bytes]  # of the n-th record of a file


class Copies:
    """Makes the first records of test show the pixels of train's first ones, encoded anew.

    Args:
        count: Of such records.
        shares_id: Whether two of train, and one of test, have the id of another one of train, besides.
    """

    def __init__(self, count: int, *, shares_id: bool = False) -> None:
        self.count = count
        self.shares_id = shares_id
        self.images: list[tuple[str, bytes]] = []
        self.pairs: list[list[list[str]]] = []

    def __call__(self, position: int, record: bytes) -> bytes:
        """Returns the record as it is, or changed."""
        import tensorflow as tf

        example = tf.train.Example.FromString(record)
        values = example.features.feature
        own, image = values["id"].bytes_list.value[0].decode(), values["image"].bytes_list.value[0]
        if own.startswith("test"):
            if position < self.count:
                name, other = self.images[position]
                values["image"].bytes_list.value[0] = tf.io.encode_png(tf.io.decode_png(other), compression=0).numpy()
                self.pairs.append([["test", own], ["train", name]])
            elif self.shares_id and position == self.count:
                values["id"].bytes_list.value[0] = self.images[-1][0].encode()
        elif own < "train_40000":
            self.images.append((own, image))
            if self.shares_id and len(self.images) in (31, 32):
                values["id"].bytes_list.value[0] = self.images[29][0].encode()
        return example.SerializeToString()


def make_slice(folder: pathlib.Path, change: Change = lambda _, record: record) -> pathlib.Path:
    """Writes a balanced slice of the sample as a TFDS dataset, its records changed on the way.

    Args:
        folder: Made.
        change: From the position in the TFDS file and the serialized tf.Example to what is written.

    Returns:
        The folder.
    """
    import tensorflow as tf

    from components.example_gen.splits import position_of

    folder.mkdir(parents=True)
    for name in ("features.json", "label.labels.txt"):
        shutil.copy(SAMPLE / name, folder)
    info = json.loads((SAMPLE / "dataset_info.json").read_text())
    for tfds_split in info["splits"]:
        file = f"cifar10-{tfds_split['name']}.tfrecord-00000-of-00001"
        taken: Counter[tuple[str, int]] = Counter()
        records: list[bytes] = []
        for record in tf.data.TFRecordDataset(str(SAMPLE / file)).as_numpy_iterator():
            values = tf.train.Example.FromString(record).features.feature
            label = values["label"].int64_list.value[0]
            position = position_of(values["id"].bytes_list.value[0].decode())
            is_valid = tfds_split["name"] == "train" and position >= 40_000
            split = "valid" if is_valid else tfds_split["name"]
            if taken[split, label] < SLICE[split]:
                taken[split, label] += 1
                records.append(change(len(records), record))
        with tf.io.TFRecordWriter(str(folder / file)) as writer:
            for record in records:
                writer.write(record)
        tfds_split["shardLengths"] = [str(len(records))]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder
