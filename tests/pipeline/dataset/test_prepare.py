"""The prepared dataset as TFDS reads it, whichever source it came from; full disks and killed processes."""

import contextlib
import json
import pathlib
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest
import tensorflow_datasets as tfds

from components.errors import DataFailure, UsageFailure
from components.lock import LockedError
from pipeline.dataset import archive
from pipeline.dataset.prepare import Source, prepare

_OPEN_WORKSPACE = """
import pathlib, sys, time
from pipeline.dataset.workspace import open_workspace

with open_workspace(pathlib.Path(sys.argv[1])) as folder:
    (folder / "part").touch()
    print("open", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def _limit_file_size(num_bytes: int) -> Iterator[None]:
    """Sets a limit of the kernel, which acts like a full disk and needs no mount."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _list(folder: pathlib.Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_every_source_gives_the_same_bytes_and_nothing_else(
    packed_archive: pathlib.Path,
    packed_package: pathlib.Path,
    contents: dict[str, bytes],
    md5s: dict[str, str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "download_files", lambda names: {name: contents[name] for name in names})
    written = []
    sources: list[tuple[Source, pathlib.Path | None]] = [
        ("tfds", None),
        ("archive", packed_archive),
        ("npm", packed_package),
    ]
    for source, path in sources:
        folder = prepare(source=source, path=path, data_dir=tmp_path / source, md5s=md5s)
        assert folder == tmp_path / source / "cifar10" / "3.0.2"
        assert _list(folder.parent) == {"3.0.2", ".3.0.2.lock"}
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1] == written[2]
    for file in folder.glob("*.json"):
        assert str(tmp_path) not in file.read_text()


def test_the_dataset_is_what_tfds_itself_makes_and_is_kept(
    unpacked_archive: pathlib.Path, md5s: dict[str, str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class OwnOfTfds(tfds.image_classification.Cifar10, skip_registration=True):  # type: ignore[call-arg]
        name = "cifar10"

        def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> object:
            dl_manager.download_and_extract = lambda _: unpacked_archive.parent
            return super()._split_generators(dl_manager)

    OwnOfTfds(data_dir=tmp_path / "theirs").download_and_prepare()
    theirs = tfds.builder("cifar10", data_dir=tmp_path / "theirs")
    folder = prepare(source="archive", path=unpacked_archive, data_dir=tmp_path / "ours", md5s=md5s)
    ours = tfds.builder_from_directory(folder)
    assert ours.info.full_name == "cifar10/3.0.2"
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
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    capsys.readouterr()
    prepare(source="archive", path=tmp_path / "nowhere", data_dir=tmp_path / "ours", md5s=md5s)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert capsys.readouterr().err == f"{folder} exists already; to make it anew, delete it first.\n"


def test_a_wrong_checksum_leaves_no_dataset(
    unpacked_package: pathlib.Path, md5s: dict[str, str], tmp_path: pathlib.Path
) -> None:
    labels = json.loads((unpacked_package / "train_lables.json").read_text())
    labels[0] = (labels[0] + 1) % 10
    (unpacked_package / "train_lables.json").write_text(json.dumps(labels))
    with pytest.raises(DataFailure, match=rf"data_batch_1\.bin has the MD5 \w+ instead of {md5s['data_batch_1.bin']}"):
        prepare(source="npm", path=unpacked_package, data_dir=tmp_path / "data", md5s=md5s)
    assert _list(tmp_path / "data" / "cifar10") == {".3.0.2.lock"}


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ("archive", None, r"^`--source archive` needs --path: cifar-10-binary\.tar\.gz or the folder"),
        ("archive", pathlib.Path("/nowhere.tar.gz"), r"^--path is /nowhere\.tar\.gz: no such file\.$"),
        ("tfds", pathlib.Path("here"), r"^--path here is not used by `--source tfds`"),
    ],
)
def test_a_path_that_does_not_fit_the_source_is_a_wrong_usage(
    source: Source, path: pathlib.Path | None, message: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(UsageFailure, match=message):
        prepare(source=source, path=path, data_dir=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_full_disk_is_reported_and_leaves_no_dataset(
    unpacked_archive: pathlib.Path, md5s: dict[str, str], tmp_path: pathlib.Path
) -> None:
    message = rf"^{tmp_path}/data/cifar10/3\.0\.2 cannot be made: .*File too large"
    with _limit_file_size(40_000), pytest.raises(DataFailure, match=message):
        prepare(source="archive", path=unpacked_archive, data_dir=tmp_path / "data", md5s=md5s)
    assert _list(tmp_path / "data" / "cifar10") == {".3.0.2.lock"}


def test_a_data_dir_below_a_file_is_reported(packed_archive: pathlib.Path, md5s: dict[str, str]) -> None:
    with pytest.raises(DataFailure, match=r"cifar10/3\.0\.2 cannot be made: .*Not a directory"):
        prepare(source="archive", path=packed_archive, data_dir=packed_archive / "data", md5s=md5s)


def test_a_killed_preparation_excludes_others_only_while_it_runs(
    packed_archive: pathlib.Path, md5s: dict[str, str], tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / "data" / "cifar10"
    command = [sys.executable, "-c", _OPEN_WORKSPACE, str(folder / "3.0.2")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(LockedError, match=rf"^Another process is making {folder}/3\.0\.2 right now; wait"):
            prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", md5s=md5s)
        process.kill()
    assert _list(folder / ".3.0.2.incomplete") == {"part"}
    prepare(source="archive", path=packed_archive, data_dir=tmp_path / "data", md5s=md5s)
    assert _list(folder) == {".3.0.2.lock", "3.0.2"}


def test_a_folder_without_a_dataset_is_not_taken_for_one(packed_archive: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "cifar10" / "3.0.2").mkdir(parents=True)
    with pytest.raises(DataFailure, match=r"3\.0\.2 exists, but holds no TFDS dataset; delete it"):
        prepare(source="archive", path=packed_archive, data_dir=tmp_path)
