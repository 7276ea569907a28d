"""The authors' archive, packed and unpacked, whole and damaged."""

import pathlib

import pytest
import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.archive import check_md5s, open_archive
from pipeline.dataset.edition import CIFAR10, Edition


def test_the_tar_gz_yields_the_official_files_unchanged(
    packed_archive: pathlib.Path,
    edition: Edition,
    contents: dict[str, bytes],
    tmp_path: pathlib.Path,
    progress: rich.progress.Progress,
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    folder = open_archive(packed_archive, edition, workspace=workspace, progress=progress)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == contents
    check_md5s(folder, edition, progress=progress)


def test_an_unpacked_archive_is_read_where_it_lies_from_inside_or_from_around(
    unpacked_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path, progress: rich.progress.Progress
) -> None:
    for path in (unpacked_archive, unpacked_archive.parent):
        assert open_archive(path, edition, workspace=tmp_path, progress=progress) == unpacked_archive


@pytest.mark.parametrize("kept_share", [0.0, 0.01, 0.5, 0.95])
def test_a_truncated_tar_gz_is_named_in_one_sentence(
    packed_archive: pathlib.Path,
    edition: Edition,
    tmp_path: pathlib.Path,
    progress: rich.progress.Progress,
    kept_share: float,
) -> None:
    content = packed_archive.read_bytes()
    packed_archive.write_bytes(content[: int(len(content) * kept_share)])
    with pytest.raises(
        DataFailure, match=r"cifar-10-binary\.tar\.gz is truncated or not a tar\.gz .*; get it again\.$"
    ):
        open_archive(packed_archive, edition, workspace=tmp_path, progress=progress)


def test_a_tar_gz_with_flipped_bits_is_named_in_one_sentence(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path, progress: rich.progress.Progress
) -> None:
    content = bytearray(packed_archive.read_bytes())
    for position in range(len(content) // 4, len(content) // 4 + 2000):
        content[position] ^= 0xFF
    packed_archive.write_bytes(content)
    with pytest.raises(DataFailure, match=r"is damaged, get it again\.$|is truncated or not a tar\.gz"):
        check_md5s(
            open_archive(packed_archive, edition, workspace=tmp_path, progress=progress), edition, progress=progress
        )


def test_another_tar_gz_is_told_which_files_it_lacks(
    packed_package: pathlib.Path, edition: Edition, tmp_path: pathlib.Path, progress: rich.progress.Progress
) -> None:
    with pytest.raises(DataFailure, match=r"holds no data_batch_1\.bin, no data_batch_2\.bin"):
        open_archive(packed_package, edition, workspace=tmp_path, progress=progress)


def test_a_path_to_nothing_is_a_wrong_usage(
    edition: Edition, tmp_path: pathlib.Path, progress: rich.progress.Progress
) -> None:
    with pytest.raises(UsageFailure, match=r"There is no .*nowhere; --path takes cifar-10-binary\.tar\.gz"):
        open_archive(tmp_path / "nowhere", edition, workspace=tmp_path, progress=progress)


def test_a_wrong_md5_names_file_found_and_expected(
    unpacked_archive: pathlib.Path, edition: Edition, progress: rich.progress.Progress
) -> None:
    (unpacked_archive / "data_batch_3.bin").write_bytes(b"other")
    expected = (
        rf"data_batch_3\.bin has the MD5 795f3202b17cb6bc3d4b771d8c6c9eaf instead of {edition.train_files[2].md5};"
    )
    with pytest.raises(DataFailure, match=expected):
        check_md5s(unpacked_archive, edition, progress=progress)


def test_a_missing_file_is_named(
    unpacked_archive: pathlib.Path, edition: Edition, progress: rich.progress.Progress
) -> None:
    (unpacked_archive / "test_batch.bin").unlink()
    with pytest.raises(DataFailure, match=r"test_batch\.bin cannot be read \(No such file or directory\)"):
        check_md5s(unpacked_archive, edition, progress=progress)


def test_the_real_edition_is_the_published_one() -> None:
    assert CIFAR10.split_sizes == {"train": 50_000, "test": 10_000}
    assert [file.md5[:6] for file in CIFAR10.files] == ["5dd7e0", "5ea93a", "942cd6", "ae636b", "53f379", "803d5f"]
