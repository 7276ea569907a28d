"""The served folder: versions come whole or not at all, whatever happens."""

import dataclasses
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest
from commands import Mount
from pushes import DRAFT, FILES, push

from components.errors import Failure
from components.lock import LockedError, hold_lock
from components.pusher.integrity import find_integrity_errors, list_files
from components.pusher.manifest import read_manifest
from components.pusher.shelf import locate_staging, open_shelf
from components.pusher.versions import find_versions

_PUSH_FOREVER = """
import pathlib, sys, time
from pushes import push

base, model = map(pathlib.Path, sys.argv[1:])
print("begin", flush=True)
while True:
    push(base, model, now=time.time(), keep=3)
"""


def test_a_push_leaves_one_whole_version_and_nothing_aside(base: pathlib.Path, model: pathlib.Path) -> None:
    for name in ("incoming", "outgoing"):  # leftovers of a killed push
        (locate_staging(base) / name / "5" / "variables").mkdir(parents=True)
    manifest = push(base, model, now=1234.5)
    assert (manifest.version, manifest.pushed_at) == (1234, "1970-01-01T00:20:34+00:00")
    version = base / "1234"
    assert {name: (version / name).read_bytes() for name in FILES} == FILES
    assert list_files(version) == {*FILES, "manifest.json"}
    assert dataclasses.replace(read_manifest(version), digest="") == manifest
    assert [path.name for path in base.iterdir()] == ["1234"]
    assert sorted(path.name for path in locate_staging(base).rglob("*")) == ["incoming", "lock"]
    os.umask(mask := os.umask(0))
    assert (version.stat().st_mode & 0o777) == 0o777 & ~mask


def test_every_file_and_folder_is_on_the_disk_before_the_version_is_renamed_into_place(
    base: pathlib.Path, model: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    renamed: list[str] = []
    fsync, rename = os.fsync, pathlib.Path.rename

    def watch_fsync(descriptor: int) -> None:
        synced.append(str(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def watch_rename(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
        assert {str(each) for each in (path, *path.rglob("*"))} <= set(synced)
        renamed.append(target.name)
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(pathlib.Path, "rename", watch_rename)
    push(base, model)
    assert renamed == ["1000"]
    assert synced[-2:] == [str(base.parent), str(base)]


def test_versions_grow_though_the_clock_goes_back_and_the_newest_is_removed(
    base: pathlib.Path, model: pathlib.Path
) -> None:
    assert [push(base, model, now=now).version for now in (1000, 1000, 900, 2000)] == [1000, 1001, 1002, 2000]
    with open_shelf(base) as shelf:
        assert shelf.publish({}, DRAFT, (3000, 7), 1000).version == 3001


def test_old_versions_go_but_no_folder_without_a_manifest_of_ours(base: pathlib.Path, model: pathlib.Path) -> None:
    (base / "3" / "variables").mkdir(parents=True)
    (base / "notes").mkdir()
    versions = [push(base, model, keep=2).version for _ in range(4)]
    assert list(find_versions(base)) == [3, *versions[-2:]]
    assert (base / "notes").is_dir()
    (base / str(versions[-2]) / "manifest.json").write_text("{}")
    push(base, model, keep=1)
    assert list(find_versions(base)) == [3, versions[-2], versions[-1] + 1]


def test_one_process_pushes_at_a_time(base: pathlib.Path, model: pathlib.Path) -> None:
    with hold_lock(locate_staging(base) / "lock", ""), pytest.raises(LockedError, match="another process pushes to"):
        push(base, model)
    assert push(base, model).version == 1000


def test_kills_at_random_moments_show_no_reader_a_partial_version(base: pathlib.Path, model: pathlib.Path) -> None:
    (model / "variables" / "variables.data-00000-of-00001").write_bytes(os.urandom(1 << 20))
    draw, seen = random.Random(1), [0]
    command = [sys.executable, "-c", _PUSH_FOREVER, str(base), str(model)]
    for _ in range(5):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "begin\n"
            end = time.monotonic() + draw.uniform(0.05, 0.3)
            while time.monotonic() < end:
                _look(base, seen)
            child.kill()
        _look(base, seen)
    push(base, model, now=time.time())
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert list((locate_staging(base) / "incoming").iterdir()) == []


def _look(base: pathlib.Path, seen: list[int]) -> None:
    """Reads every byte of all versions, as a server does, and notes the new ones."""
    assert [path for path in base.glob("*") if not path.name.isdecimal()] == []
    for version, folder in find_versions(base).items():
        errors = find_integrity_errors(folder)
        assert not errors or not folder.exists(), errors  # old versions are removed while they are read
        if version not in seen:
            seen.append(version)


def test_a_full_disk_at_any_byte_leaves_no_partial_version_and_the_next_push_pushes(
    mount: Mount, model: pathlib.Path
) -> None:
    disk = mount("size=64k")
    base = disk / "serving" / "tokenlearner"
    push(base, model)
    messages = []
    for pages in range(16, -1, -1):
        (disk / "ballast").unlink(missing_ok=True)
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/ballast", "bs=4k", f"count={pages}"], capture_output=True)
        try:
            push(base, model, keep=1)
        except Failure as failure:
            messages.append(str(failure))
        assert all(find_integrity_errors(folder) == () for folder in find_versions(base).values())
    assert list(find_versions(base)) == [1000 + 17 - len(messages)]
    beginning = f"no version was pushed to {base}, the earlier ones are unchanged ([Errno 28] No space left on device: "
    assert any(message.startswith(beginning) for message in messages)
    assert list((locate_staging(base) / "incoming").iterdir()) == []


def test_a_read_only_disk_is_reported_and_the_next_push_pushes(mount: Mount, model: pathlib.Path) -> None:
    disk = mount("size=1m")
    base = disk / "serving" / "tokenlearner"
    push(base, model)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(Failure, match=r"Read-only file system: .*once it can be written to"):
        push(base, model)
    assert list(find_versions(base)) == [1000]
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert push(base, model).version == 1001


def test_a_served_folder_on_another_file_system_is_reported(mount: Mount, model: pathlib.Path) -> None:
    base = mount("size=1m")
    with pytest.raises(Failure, match=r"Invalid cross-device link.*is on one file system with \.disk\.push"):
        push(base, model)
    assert list(base.iterdir()) == []
