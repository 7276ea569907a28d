"""The prepared dataset as TFDS reads it, whichever source it came from."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.edition import RECORD_BYTES, Edition
from pipeline.dataset.prepare import Source, prepare


def _read(folder: pathlib.Path, split: str) -> list[tuple[str, int, bytes]]:
    """Returns id, label and pixels in the authors' order."""
    dataset = tfds.builder_from_directory(folder).as_dataset(split=split)
    examples = [(row["id"].decode(), int(row["label"]), row["image"].tobytes()) for row in tfds.as_numpy(dataset)]
    return sorted(examples)


def _expected(contents: dict[str, bytes], split: str) -> list[tuple[str, int, bytes]]:
    joined = b"".join(content for name, content in contents.items() if name.startswith("test") == (split == "test"))
    records = np.frombuffer(joined, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return [(f"{split}_{i:05d}", int(records[i, 0]), images[i].tobytes()) for i in range(len(records))]


def test_every_local_source_gives_the_same_images_labels_and_bytes(
    packed_archive: pathlib.Path,
    unpacked_archive: pathlib.Path,
    packed_package: pathlib.Path,
    edition: Edition,
    contents: dict[str, bytes],
    tmp_path: pathlib.Path,
) -> None:
    sources: list[tuple[Source, pathlib.Path]] = [
        ("archive", packed_archive),
        ("archive", unpacked_archive),
        ("npm", packed_package),
    ]
    written = []
    for index, (source, path) in enumerate(sources):
        folder = prepare(source=source, path=path, data_dir=tmp_path / str(index), edition=edition)
        assert folder == tmp_path / str(index) / "cifar10" / "3.0.2"
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1] == written[2]
    for split in ("train", "test"):
        assert _read(folder, split) == _expected(contents, split)


def test_the_dataset_is_what_tfds_itself_makes(
    unpacked_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    class OwnOfTfds(tfds.image_classification.Cifar10, skip_registration=True):  # type: ignore[call-arg]
        name = "cifar10"

        def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> object:
            dl_manager.download_and_extract = lambda _: unpacked_archive.parent
            return super()._split_generators(dl_manager)

    OwnOfTfds(data_dir=tmp_path / "theirs").download_and_prepare()
    theirs = tfds.builder("cifar10", data_dir=tmp_path / "theirs")
    ours = tfds.builder_from_directory(
        prepare(source="archive", path=unpacked_archive, data_dir=tmp_path / "ours", edition=edition)
    )
    assert ours.info.features.to_json() == theirs.info.features.to_json()
    assert ours.info.features["label"].names == theirs.info.features["label"].names
    assert ours.info.supervised_keys == theirs.info.supervised_keys
    for split in ("train", "test"):
        assert ours.info.splits[split].shard_lengths == theirs.info.splits[split].shard_lengths
        assert ours.info.splits[split].num_bytes == theirs.info.splits[split].num_bytes
        raw = {"image": tfds.decode.SkipDecoding()}
        pairs = zip(
            tfds.as_numpy(ours.as_dataset(split=split, decoders=raw)),
            tfds.as_numpy(theirs.as_dataset(split=split, decoders=raw)),
            strict=True,
        )
        assert all(one == other for one, other in pairs)  # in the order of the files


def test_the_metadata_names_no_folder_of_this_machine(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    folder = prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
    for file in folder.glob("*.json"):
        assert str(tmp_path) not in file.read_text()
    info = json.loads((folder / "dataset_info.json").read_text())
    assert (info["name"], info["version"]) == ("cifar10", "3.0.2")
    assert info["location"] == {"urls": ["https://www.cs.toronto.edu/~kriz/cifar.html"]}


def test_nothing_but_the_dataset_and_a_lock_is_left(
    packed_package: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    prepare(source="npm", path=packed_package, data_dir=tmp_path / "data", edition=edition)
    assert [entry.name for entry in (tmp_path / "data").iterdir()] == ["cifar10"]
    assert {entry.name for entry in (tmp_path / "data" / "cifar10").iterdir()} == {"3.0.2", ".3.0.2.lock"}


def test_a_whole_dataset_is_kept_and_said_to_be_there(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    packed_archive.unlink()
    capsys.readouterr()
    prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert capsys.readouterr().err == f"{folder} is there already: 100 train and 20 test images.\n"


def test_a_dataset_that_is_not_whole_is_neither_used_nor_deleted(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    folder = prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
    records = folder / "cifar10-train.tfrecord-00000-of-00001"
    records.write_bytes(records.read_bytes()[:-1])
    with pytest.raises(
        DataFailure, match=r"3\.0\.2 holds [\d,]+ bytes of train records instead of [\d,]+; delete that"
    ):
        prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", edition=edition)
    assert records.exists()


def test_a_wrong_checksum_leaves_no_dataset(
    unpacked_package: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    labels = json.loads((unpacked_package / "train_lables.json").read_text())
    labels[0] = (labels[0] + 1) % 10
    (unpacked_package / "train_lables.json").write_text(json.dumps(labels))
    with pytest.raises(DataFailure, match=rf"data_batch_1\.bin has the MD5 \w+ instead of {edition.files[0].md5}"):
        prepare(source="npm", path=unpacked_package, data_dir=tmp_path / "data", edition=edition)
    assert [entry.name for entry in (tmp_path / "data" / "cifar10").iterdir()] == [".3.0.2.lock"]


@pytest.mark.parametrize(
    ("source", "path", "sentence"),
    [
        ("archive", None, r"^`--source archive` needs --path: cifar-10-binary\.tar\.gz or the folder"),
        ("tfds", pathlib.Path("here"), r"^--path here means nothing to `--source tfds`"),
    ],
)
def test_a_path_that_does_not_fit_the_source_is_a_wrong_usage(
    source: Source, path: pathlib.Path | None, sentence: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(UsageFailure, match=sentence):
        prepare(source=source, path=path, data_dir=tmp_path)
    assert not any(tmp_path.iterdir())
