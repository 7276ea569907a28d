"""The stratified sample of a small prepared dataset, and the one that is shipped."""

import collections
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from components.errors import DataFailure
from components.image_dataset import CIFAR10
from pipeline.dataset.prepare import prepare
from pipeline.dataset.sample import SamplePlan, choose, make_sample

_SHIPPED = pathlib.Path(__file__).parents[3] / "data" / "cifar10_sample"
_PLAN = SamplePlan(first_train_images=80, train_per_class=4, valid_per_class=1, test_per_class=1)


@pytest.fixture
def data_dir(packed_archive: pathlib.Path, md5s: dict[str, str], tmp_path: pathlib.Path) -> pathlib.Path:
    prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", md5s=md5s)
    return tmp_path / "data"


def _records(folder: pathlib.Path, split: str) -> list[bytes]:
    file = folder / f"cifar10-{split}.tfrecord-00000-of-00001"
    return list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())


def _ids_and_labels(folder: pathlib.Path, split: str) -> list[tuple[int, int]]:
    raw = {"image": tfds.decode.SkipDecoding()}
    dataset = tfds.builder_from_directory(folder).as_dataset(split=split, decoders=raw)
    return [(int(row["id"].removeprefix(f"{split}_".encode())), int(row["label"])) for row in tfds.as_numpy(dataset)]


def _count(rows: list[tuple[int, int]], positions: range) -> dict[int, int]:
    return dict(collections.Counter(label for position, label in rows if position in positions))


def test_the_sample_holds_the_planned_records_of_the_full_set_unchanged(
    data_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    folder = make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=_PLAN)
    train, test = _ids_and_labels(folder, "train"), _ids_and_labels(folder, "test")
    assert _count(train, range(80)) == dict.fromkeys(range(10), 4)
    assert _count(train, range(80, 100)) == dict.fromkeys(range(10), 1)
    assert _count(test, range(20)) == dict.fromkeys(range(10), 1)
    assert len(set(train)) == len(train) == 50
    for split in ("train", "test"):
        full, sampled = _records(data_dir / "cifar10" / "3.0.2", split), _records(folder, split)
        assert [record for record in full if record in set(sampled)] == sampled


def test_a_new_sample_replaces_the_old_one_and_a_seed_gives_the_same_bytes_again(
    data_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "sample"
    written = []
    for seed in (1, 2, 1):
        make_sample(data_dir=data_dir, output=output, seed=seed, plan=_PLAN)
        (output / "README.md").write_text("Where it comes from.")  # stays
        written.append({file.name: file.read_bytes() for file in output.iterdir()})
    assert written[0] == written[2]
    assert written[0] != written[1]
    (output / "dataset_info.json").unlink()  # as when a process was killed: it goes first and comes last
    with pytest.raises(Exception, match="Could not read dataset info"):
        tfds.builder_from_directory(output)
    make_sample(data_dir=data_dir, output=output, seed=1, plan=_PLAN)
    assert {file.name: file.read_bytes() for file in output.iterdir()} == written[0]


def test_a_missing_damaged_or_small_full_set_is_reported(data_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "sample"
    with pytest.raises(DataFailure, match=r"there is no .*3\.0\.2; make it with `tokenlearner data prepare --data-dir"):
        make_sample(data_dir=tmp_path, output=output)
    plan = SamplePlan(first_train_images=80, train_per_class=9, valid_per_class=1, test_per_class=1)
    with pytest.raises(DataFailure, match=r"^class 0 has 8 images, but the sample takes 9\.$"):
        make_sample(data_dir=data_dir, output=output, plan=plan)
    file = data_dir / "cifar10" / "3.0.2" / "cifar10-train.tfrecord-00000-of-00001"
    content = bytearray(file.read_bytes())
    content[5000] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataFailure, match=r"^the train records of .*3\.0\.2 are damaged; delete that folder"):
        make_sample(data_dir=data_dir, output=output, plan=_PLAN)
    assert not output.exists()


def test_numpy_still_chooses_what_it_chose_for_the_shipped_sample() -> None:
    chosen = choose((np.arange(100) % 10).tolist(), per_class=2, rng=np.random.default_rng(10))
    assert chosen.tolist() == [5, 7, 11, 12, 13, 34, 42, 43, 46, 58, 60, 64, 68, 69, 71, 75, 77, 90, 96, 99]


def test_the_shipped_sample_is_balanced_and_split_as_promised() -> None:
    train, test = _ids_and_labels(_SHIPPED, "train"), _ids_and_labels(_SHIPPED, "test")
    assert _count(train, range(40_000)) == dict.fromkeys(range(10), 400)
    assert _count(train, range(40_000, 50_000)) == dict.fromkeys(range(10), 100)
    assert _count(test, range(10_000)) == dict.fromkeys(range(10), 100)
    info = tfds.builder_from_directory(_SHIPPED).info
    assert info.full_name == "cifar10/3.0.2"
    assert tuple(info.features["label"].names) == CIFAR10.class_names


def test_a_damaged_dataset_info_is_one_message(data_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (data_dir / "cifar10" / "3.0.2" / "dataset_info.json").write_text('{"name": "x"}')
    with pytest.raises(DataFailure, match=r"dataset_info\.json is damaged; delete"):
        make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=_PLAN)
