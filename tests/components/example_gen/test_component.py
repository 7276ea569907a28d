"""ExampleGen: every TFDS record lands, unchanged, in the split of its id."""

import pathlib
import shutil

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.errors import BadDataError
from components.example_gen.component import Cifar10ExampleGen, digest_source, list_shards
from components.example_gen.splits import copy_shard, position_of


def _generate(tfds_dir: pathlib.Path, output: pathlib.Path, train_images: int = 40_000) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(output)
    Cifar10ExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=train_images,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    return examples


def _records(examples: standard_artifacts.Examples, split: str) -> list[bytes]:
    files = sorted(str(file) for file in (pathlib.Path(examples.uri) / f"Split-{split}").iterdir())
    return list(tf.data.TFRecordDataset(files).as_numpy_iterator())


def _position(record: bytes) -> int:
    return position_of(tf.train.Example.FromString(record).features.feature["id"].bytes_list.value[0].decode())


def _tfds_records(tfds_dir: pathlib.Path, split: str) -> list[bytes]:
    return list(
        tf.data.TFRecordDataset([path for path, of, _ in list_shards(tfds_dir) if of == split]).as_numpy_iterator()
    )


def test_the_last_training_images_become_valid_and_no_record_changes(
    slice_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    examples = _generate(slice_dir, tmp_path)
    train, valid, test = (_records(examples, split) for split in ("train", "valid", "test"))
    assert examples.split_names == '["train", "valid", "test"]'
    assert (len(train), len(valid), len(test)) == (400, 100, 200)
    assert max(_position(record) for record in train) < 40_000
    assert min(_position(record) for record in valid) >= 40_000
    assert sorted(train + valid) == sorted(_tfds_records(slice_dir, "train"))
    assert test == _tfds_records(slice_dir, "test")


def test_the_first_image_that_is_not_for_train_is_for_valid(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """An image at the boundary, position N of N train images counted from 0."""
    [(file, split, images), _] = list_shards(slice_dir)
    boundary = sorted(_position(record) for record in _tfds_records(slice_dir, "train"))[300]
    assert copy_shard(file, split, images, str(tmp_path), boundary) == {"train": 300, "valid": 200, "test": 0}
    assert copy_shard(file, split, images, str(tmp_path), boundary + 1) == {"train": 301, "valid": 199, "test": 0}


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([b"photo-00017"], "an image has the id 'photo-00017'; TFDS's cifar10 has ids such as"),
        ([b"train_00001", b"train_00002"], r"holds a record that is not a tf\.Example with one id"),
    ],
)
def test_a_record_without_a_cifar10_id_stops_the_step(tmp_path: pathlib.Path, ids: list[bytes], message: str) -> None:
    example = tf.train.Example()
    example.features.feature["id"].bytes_list.value.extend(ids)
    with tf.io.TFRecordWriter(str(tmp_path / "shard")) as writer:
        writer.write(example.SerializeToString())
    with pytest.raises(BadDataError, match=message):
        copy_shard(str(tmp_path / "shard"), "train", 1, str(tmp_path), 40_000)


def test_the_digest_is_of_the_records_and_not_of_their_place(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(slice_dir, tmp_path / "copy")
    assert digest_source(copy) == digest_source(slice_dir)
    file = copy / "cifar10-test.tfrecord-00000-of-00001"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    assert digest_source(copy) != digest_source(slice_dir)


def test_a_damaged_dataset_is_rejected(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def list_damaged() -> str:
        with pytest.raises(BadDataError) as error:
            list_shards(copy)
        return str(error.value)

    copy = shutil.copytree(slice_dir, tmp_path / "copy")
    (copy / "cifar10-train.tfrecord-00000-of-00001").unlink()
    assert f"lacks its file {copy}/cifar10-train.tfrecord-00000-of-00001" in list_damaged()
    (copy / "features.json").unlink()
    assert "holds no TFDS dataset that can be read" in list_damaged()
    (copy / "dataset_info.json").unlink()
    assert "holds no TFDS dataset (no dataset_info.json)" in list_damaged()


@pytest.mark.parametrize(
    ("cut_bytes", "kept_records", "message"),
    [(100, 200, "is truncated or corrupt"), (0, 150, "holds 150 images instead of 200")],
)
def test_a_truncated_file_is_named(
    slice_dir: pathlib.Path, tmp_path: pathlib.Path, cut_bytes: int, kept_records: int, message: str
) -> None:
    file = tmp_path / "shard"
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in _tfds_records(slice_dir, "test")[:kept_records]:
            writer.write(record)
    file.write_bytes(file.read_bytes()[: file.stat().st_size - cut_bytes])
    with pytest.raises(BadDataError, match=f"{file} {message}"):
        copy_shard(str(file), "test", 200, str(tmp_path), 40_000)


def test_a_split_without_images_is_named(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BadDataError, match=r"has no image for split valid \(train_images is 50000\)"):
        _generate(slice_dir, tmp_path, train_images=50_000)
