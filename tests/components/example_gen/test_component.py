"""ExampleGen: every TFDS record lands, unchanged, in the split of its id or of its pixels."""

import collections
import io
import itertools
import pathlib
import shutil
from typing import Any

import apache_beam as beam
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tfx.types import standard_artifacts

from components.errors import BadDataError
from components.example_gen.component import ImageExampleGen, digest_source
from components.example_gen.records import Shard, list_shards
from components.example_gen.splits import AsIs, ByPosition, copy_shard, cut_class, position_of
from components.image_dataset import read_dataset
from pipeline.dataset.builder import build_images


def _generate(tfds_dir: pathlib.Path, output: pathlib.Path, train_images: int = 40_000) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(output)
    ImageExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=train_images,
        valid_share=0.2,
        test_share=0.1,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    return examples


def _records(examples: standard_artifacts.Examples, split: str) -> list[bytes]:
    files = sorted(str(file) for file in (pathlib.Path(examples.uri) / f"Split-{split}").iterdir())
    return list(tf.data.TFRecordDataset(files).as_numpy_iterator())


def _feature(record: bytes, name: str) -> Any:
    feature = tf.train.Example.FromString(record).features.feature[name]
    return (feature.bytes_list.value or feature.int64_list.value)[0]


def _position(record: bytes) -> int:
    return position_of(_feature(record, "id").decode())


def _tfds_records(tfds_dir: pathlib.Path, split: str) -> list[bytes]:
    paths = [shard.path for shard in list_shards(tfds_dir) if shard.tfds_split == split]
    return list(tf.data.TFRecordDataset(paths).as_numpy_iterator())


def _encode(seed: int) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_last_training_images_of_cifar10_become_valid_and_no_record_changes(
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


def test_missing_splits_are_cut_from_each_class_and_identical_images_stay_together(tmp_path: pathlib.Path) -> None:
    """60 images of one class, 30 of the other; 20 of the first occur twice, and 10 with both labels."""
    seeds = [(seed, 0) for seed in (*range(40), *range(20))] + [(seed, 1) for seed in range(30, 60)]
    rows = [(f"{i}", {"id": f"{i}", "image": _encode(s), "label": label}) for i, (s, label) in enumerate(seeds)]
    dataset = build_images(tmp_path / "data", "pets", "1.0.0", ("cat", "dog"), {"train": rows})
    examples = _generate(dataset, tmp_path / "examples")
    splits = {split: _records(examples, split) for split in ("train", "valid", "test")}
    images = {split: {_feature(record, "image") for record in records} for split, records in splits.items()}
    assert not images["train"] & (images["valid"] | images["test"])
    assert not images["valid"] & images["test"]
    assert sorted(itertools.chain(*splits.values())) == sorted(_tfds_records(dataset, "train"))
    counts = {
        split: collections.Counter(_feature(record, "label") for record in records) for split, records in splits.items()
    }
    assert counts["test"][0] == pytest.approx(6, abs=1)  # a pair may lie on the boundary
    assert counts["valid"][0] == pytest.approx(12, abs=2)
    assert counts["test"][1] == pytest.approx(3, abs=3)
    assert [splits[split] for split in splits] == [
        _records(_generate(dataset, tmp_path / "again"), split) for split in splits
    ]


@pytest.mark.parametrize(
    ("images", "shares", "counts"),
    [(10, (0.1, 0.2), (1, 2)), (3, (0.1, 0.1), (1, 1)), (2, (0.1, 0.1), (0, 0)), (10, (0, 0.5), (0, 5))],
)
def test_a_class_is_cut_by_the_order_of_its_digests(
    images: int, shares: tuple[float, float], counts: tuple[int, int]
) -> None:
    digests = [bytes([i]) for i in range(images)]
    cut = cut_class(reversed(digests), *shares)
    test = [digest for digest in digests if digest < cut.test_below]
    valid = [digest for digest in digests if cut.test_below <= digest < cut.valid_below]
    assert (len(test), len(valid)) == counts


class _Pets(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """A TFDS dataset with names, features and splits of its own."""

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, data_dir: pathlib.Path, kinds: dict[str, Any]) -> None:
        self._kinds = kinds
        super().__init__(data_dir=data_dir)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(self._kinds))

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager
        return {split: self._generate_examples(split) for split in ("train", "validation", "test")}

    def _generate_examples(self, split: str) -> Any:
        for i in range(4):
            values = {"photo": _encode(i), "breed": i % 2, "species": 0, "fluffy": 1}
            yield f"{split}{i}", {name: values[name] for name in self._kinds}


def test_features_of_any_name_become_id_image_and_label(tmp_path: pathlib.Path) -> None:
    kinds = {"photo": tfds.features.Image(), "breed": tfds.features.ClassLabel(names=["a", "b"]), "fluffy": np.int64}
    builder = _Pets(tmp_path / "data", kinds)
    builder.download_and_prepare()
    dataset = read_dataset(builder.data_dir)
    assert (dataset.class_names, dataset.height, dataset.default_image_size()) == (("a", "b"), None, 64)
    records = _records(_generate(pathlib.Path(builder.data_dir), tmp_path / "examples"), "valid")
    names = [_feature(record, "id") for record in records]
    assert sorted(names) == [b"validation_00000", b"validation_00001", b"validation_00002", b"validation_00003"]
    assert {_feature(record, "image") for record in records} == {_encode(i) for i in range(4)}
    assert set(tf.train.Example.FromString(records[0]).features.feature) == {"id", "image", "label"}


def test_a_dataset_with_two_labels_is_rejected(tmp_path: pathlib.Path) -> None:
    label = tfds.features.ClassLabel(names=["a", "b"])
    builder = _Pets(tmp_path, {"photo": tfds.features.Image(), "breed": label, "species": label})
    builder.download_and_prepare()
    with pytest.raises(BadDataError, match=r"needs one feature of type classLabel; it has 2 \(breed, species\)"):
        read_dataset(builder.data_dir)


def test_the_first_image_that_is_not_for_train_is_for_valid(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """An image at the boundary, position N of N train images counted from 0."""
    dataset = read_dataset(slice_dir)
    [shard, _] = list_shards(slice_dir)
    boundary = sorted(_position(record) for record in _tfds_records(slice_dir, "train"))[300]
    for train_images, counts in ((boundary, (300, 200)), (boundary + 1, (301, 199))):
        copied = copy_shard(shard, dataset, ByPosition(train_images), str(tmp_path))
        assert (copied["train"], copied["valid"], copied["test"]) == (*counts, 0)


def _make_shard(path: pathlib.Path, images: int = 1) -> Shard:
    return Shard(path=str(path), tfds_split="train", split="train", first=0, images=images)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([b"photo-00017"], "an image has the id 'photo-00017'; TFDS's cifar10 has ids such as"),
        ([b"train_00001", b"train_00002"], r"holds a record that is not a tf\.Example with one id"),
    ],
)
def test_a_record_without_a_cifar10_id_stops_the_step(
    slice_dir: pathlib.Path, tmp_path: pathlib.Path, ids: list[bytes], message: str
) -> None:
    example = tf.train.Example()
    example.features.feature["id"].bytes_list.value.extend(ids)
    with tf.io.TFRecordWriter(str(tmp_path / "shard")) as writer:
        writer.write(example.SerializeToString())
    shard = _make_shard(tmp_path / "shard")
    with pytest.raises(BadDataError, match=message):
        copy_shard(shard, read_dataset(slice_dir), ByPosition(40_000), str(tmp_path))


def test_the_digest_is_of_the_records_and_not_of_their_place(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(slice_dir, tmp_path / "copy")
    assert digest_source(copy) == digest_source(slice_dir)
    file = copy / "cifar10-test.tfrecord-00000-of-00001"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    assert digest_source(copy) != digest_source(slice_dir)


def test_a_damaged_dataset_is_rejected(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def read_damaged() -> str:
        with pytest.raises(BadDataError) as error:
            _ = read_dataset(copy), list_shards(copy)
        return str(error.value)

    copy = shutil.copytree(slice_dir, tmp_path / "copy")
    (copy / "cifar10-train.tfrecord-00000-of-00001").unlink()
    assert f"lacks its file {copy}/cifar10-train.tfrecord-00000-of-00001" in read_damaged()
    (copy / "features.json").unlink()
    assert "holds no TFDS dataset (no features.json)" in read_damaged()
    (copy / "dataset_info.json").unlink()
    assert "holds no TFDS dataset (no dataset_info.json)" in read_damaged()


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
        copy_shard(_make_shard(file, 200), read_dataset(slice_dir), AsIs(), str(tmp_path))


def test_a_split_without_images_is_named(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BadDataError, match="has no image for split valid"):
        _generate(slice_dir, tmp_path, train_images=50_000)
