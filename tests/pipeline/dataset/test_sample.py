"""The stratified sample of a small prepared dataset, and the one that is shipped."""

import collections
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from components.errors import DataFailure
from pipeline.dataset.edition import CIFAR10, Edition
from pipeline.dataset.prepare import prepare
from pipeline.dataset.sample import SamplePlan, choose, make_sample

_SHIPPED = pathlib.Path(__file__).parents[3] / "data" / "cifar10_sample"
_PLAN = SamplePlan(first_train_images=80, train_per_class=4, valid_per_class=1, test_per_class=1)


@pytest.fixture
def data_dir(packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path) -> pathlib.Path:
    prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
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


def test_the_sample_has_the_planned_number_of_each_class_from_each_part(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    folder = make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=_PLAN, edition=edition)
    train, test = _ids_and_labels(folder, "train"), _ids_and_labels(folder, "test")
    assert _count(train, range(80)) == dict.fromkeys(range(10), 4)
    assert _count(train, range(80, 100)) == dict.fromkeys(range(10), 1)
    assert _count(test, range(20)) == dict.fromkeys(range(10), 1)
    assert len(set(train)) == len(train) == 50


def test_the_sampled_records_are_those_of_the_full_set_byte_for_byte_and_in_its_order(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    folder = make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=_PLAN, edition=edition)
    for split in ("train", "test"):
        full, sampled = _records(data_dir / "cifar10" / "3.0.2", split), _records(folder, split)
        assert [record for record in full if record in set(sampled)] == sampled


def test_a_seed_gives_the_same_bytes_again_and_another_seed_does_not(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    written = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        folder = make_sample(data_dir=data_dir, output=tmp_path / name, seed=seed, plan=_PLAN, edition=edition)
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1]
    assert written[0] != written[2]


def test_a_new_sample_replaces_the_old_one_and_keeps_the_files_beside_it(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "sample"
    make_sample(data_dir=data_dir, output=output, seed=1, plan=_PLAN, edition=edition)
    (output / "README.md").write_text("Where it comes from.")
    before = _records(output, "train")
    make_sample(data_dir=data_dir, output=output, seed=2, plan=_PLAN, edition=edition)
    assert _records(output, "train") != before
    assert (output / "README.md").read_text() == "Where it comes from."


def test_a_sample_that_was_killed_half_way_is_no_dataset_and_the_next_one_completes_it(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "sample"
    make_sample(data_dir=data_dir, output=output, plan=_PLAN, edition=edition)
    whole = {file.name: file.read_bytes() for file in output.iterdir()}
    (output / "dataset_info.json").unlink()  # goes first and comes last
    (output / "cifar10-test.tfrecord-00000-of-00001").unlink()
    with pytest.raises(Exception, match="Could not read dataset info"):
        tfds.builder_from_directory(output)
    make_sample(data_dir=data_dir, output=output, plan=_PLAN, edition=edition)
    assert {file.name: file.read_bytes() for file in output.iterdir()} == whole


def test_a_damaged_full_set_is_named(data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path) -> None:
    file = data_dir / "cifar10" / "3.0.2" / "cifar10-train.tfrecord-00000-of-00001"
    content = bytearray(file.read_bytes())
    content[5000] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataFailure, match=r"^The train records of .*3\.0\.2 are damaged; delete that folder"):
        make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=_PLAN, edition=edition)


def test_without_the_full_set_the_sentence_says_how_to_make_it(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        DataFailure, match=rf"3\.0\.2 is not there; make it with `tokenlearner data prepare .*{tmp_path}"
    ):
        make_sample(data_dir=tmp_path, output=tmp_path / "sample")


def test_more_images_than_a_class_has_are_rejected(
    data_dir: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    plan = SamplePlan(first_train_images=80, train_per_class=9, valid_per_class=1, test_per_class=1)
    with pytest.raises(DataFailure, match=r"^Class 0 has 8 images where the sample should take 9\.$"):
        make_sample(data_dir=data_dir, output=tmp_path / "sample", plan=plan, edition=edition)
    assert not (tmp_path / "sample").exists()


def test_numpy_still_chooses_what_it_chose_for_the_shipped_sample() -> None:
    chosen = choose(np.arange(40) % 2, num_classes=2, per_class=3, rng=np.random.default_rng(10))
    assert chosen.tolist() == [5, 10, 19, 26, 29, 36]


def test_the_shipped_sample_is_balanced_and_split_as_promised() -> None:
    train, test = _ids_and_labels(_SHIPPED, "train"), _ids_and_labels(_SHIPPED, "test")
    assert _count(train, range(40_000)) == dict.fromkeys(range(10), 400)
    assert _count(train, range(40_000, 50_000)) == dict.fromkeys(range(10), 100)
    assert _count(test, range(10_000)) == dict.fromkeys(range(10), 100)
    info = tfds.builder_from_directory(_SHIPPED).info
    assert info.full_name == "cifar10/3.0.2"
    assert tuple(info.features["label"].names) == CIFAR10.class_names
