"""Disks that cannot be written to, processes that are killed, and processes that meet."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from components.errors import DataFailure
from components.lock import LockedError
from pipeline.dataset.edition import Edition
from pipeline.dataset.prepare import prepare
from pipeline.dataset.workspace import tell_storage_failures

_NOBODY = 65534

_PREPARE_IN_A_PROCESS = """
import json, pathlib, sys
from pipeline.dataset.edition import Edition, OfficialFile
from pipeline.dataset.prepare import prepare

fields = json.loads(sys.argv[3])
for key in ("train_files", "test_files"):
    fields[key] = tuple(OfficialFile(name=name, md5=md5) for name, md5 in fields[key])
prepare(source="archive", path=pathlib.Path(sys.argv[1]), data_dir=pathlib.Path(sys.argv[2]), edition=Edition(**fields))
"""


@contextlib.contextmanager
def _files_limited_to(num_bytes: int) -> Iterator[None]:
    """A limit of the kernel on file sizes, which acts like a full disk and needs no mount."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def _without_privileges() -> Iterator[None]:
    """Makes folder permissions count even where tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def _entries(folder: pathlib.Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize("source", ["packed_archive", "unpacked_archive"])  # fails in our code, and in TFDS's
def test_a_write_that_the_kernel_rejects_ends_in_one_sentence_and_leaves_no_dataset(
    source: str, edition: Edition, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(source)
    sentence = rf"^Cannot write in {tmp_path}/data/cifar10: file too large; raise the limit on file sizes or [^\n]*\.$"
    with _files_limited_to(40_000), pytest.raises(DataFailure, match=sentence):
        prepare(source="archive", path=path, data_dir=tmp_path / "data", edition=edition)
    assert _entries(tmp_path / "data" / "cifar10") == {".3.0.2.lock"}


def test_a_folder_that_may_not_be_written_to_is_named(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    sentence = rf"^Cannot write in {locked}/cifar10: permission denied; choose a folder that you may write to\.$"
    with _without_privileges(), pytest.raises(DataFailure, match=sentence):
        prepare(source="archive", path=packed_archive, data_dir=locked, edition=edition)


def test_a_file_elsewhere_that_may_not_be_read_is_named_instead_of_the_folder(tmp_path: pathlib.Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0)
    sentence = rf"^Cannot read {secret}: permission denied; check that path\.$"
    with _without_privileges(), pytest.raises(DataFailure, match=sentence), tell_storage_failures(tmp_path / "data"):
        secret.read_bytes()


def test_a_data_dir_below_a_file_is_named(packed_archive: pathlib.Path, edition: Edition) -> None:
    with pytest.raises(DataFailure, match=r"tar\.gz/data/cifar10: not a directory; choose a path whose parents"):
        prepare(source="archive", path=packed_archive, data_dir=packed_archive / "data", edition=edition)


def test_a_killed_preparation_excludes_others_while_it_lives_and_nothing_afterwards(
    make_edition: Callable[[int], tuple[Edition, dict[str, bytes]]], tmp_path: pathlib.Path
) -> None:
    edition, contents = make_edition(1000)  # a second or more of writing
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    folder = tmp_path / "data" / "cifar10"
    fields = {
        "train_files": [(file.name, file.md5) for file in edition.train_files],
        "test_files": [(file.name, file.md5) for file in edition.test_files],
        "records_per_file": edition.records_per_file,
        "class_names": edition.class_names,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _PREPARE_IN_A_PROCESS, tmp_path, tmp_path / "data", json.dumps(fields)],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not list(folder.glob(".3.0.2.incomplete/tfds/cifar10/incomplete.*")):  # TFDS is writing
            assert process.poll() is None
            time.sleep(0.01)
        with pytest.raises(LockedError, match=rf"^Another process is making {folder}/3\.0\.2 right now; wait"):
            prepare(source="archive", path=tmp_path, data_dir=tmp_path / "data", edition=edition)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert _entries(folder) == {".3.0.2.lock", ".3.0.2.incomplete"}
    prepare(source="archive", path=tmp_path, data_dir=tmp_path / "data", edition=edition)
    assert _entries(folder) == {".3.0.2.lock", "3.0.2"}
