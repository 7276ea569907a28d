"""The served folder: versions come whole or not at all, whatever happens."""

import dataclasses
import json
import os
import pathlib
import subprocess

import pytest
from commands import Mount
from killed_pushes import push_and_kill
from pushes import FILES, push

from components.errors import ExitCode
from components.lock import LockedError, hold_lock
from components.pusher.faults import find_faults, list_files
from components.pusher.manifest import read_manifest
from components.pusher.shelf import PushError, locate_workshop
from components.pusher.versions import find_versions
from pipeline.runner.child import classify, describe_cause


def test_a_push_leaves_one_whole_version_and_nothing_aside(base: pathlib.Path, model: pathlib.Path) -> None:
    manifest = push(base, model, now=1234.5)
    assert manifest.version == 1234
    assert manifest.pushed_at == "1970-01-01T00:20:34+00:00"
    version = base / "1234"
    assert {name: (version / name).read_bytes() for name in FILES} == FILES
    assert list_files(version) == {*FILES, "manifest.json"}
    assert json.loads((version / "manifest.json").read_text())["files"]["README.md"]["size_bytes"] == 9
    assert dataclasses.replace(read_manifest(version), digest="") == manifest
    assert [path.name for path in base.iterdir()] == ["1234"]
    assert list((locate_workshop(base) / "incoming").iterdir()) == []
    assert (version.stat().st_mode & 0o777) == 0o777 & ~_read_umask()


def test_every_file_and_folder_is_on_the_disk_before_the_version_is_renamed_into_place(
    base: pathlib.Path, model: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    seen: list[set[str]] = []
    fsync, rename = os.fsync, pathlib.Path.rename

    def watch_fsync(descriptor: int) -> None:
        synced.append(str(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def watch_rename(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
        if target.parent == base:
            seen.append(set(synced))
            assert {str(each) for each in (path, *path.rglob("*"))} <= seen[-1]
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(pathlib.Path, "rename", watch_rename)
    push(base, model)
    assert len(seen) == 1
    assert synced[-1] == str(base)


def test_versions_grow_though_the_clock_goes_back_and_the_newest_is_removed(
    base: pathlib.Path, model: pathlib.Path
) -> None:
    assert [push(base, model, now=now).version for now in (1000, 1000, 900, 2000)] == [1000, 1001, 1002, 2000]
    for version in find_versions(base).values():
        version.rename(base.parent / f"gone-{version.name}")
    assert push(base, model, now=1000).version == 2001


def test_what_a_killed_push_left_is_cleared_by_the_next(base: pathlib.Path, model: pathlib.Path) -> None:
    for name in ("incoming", "outgoing"):
        (locate_workshop(base) / name / "5" / "variables").mkdir(parents=True)
        (locate_workshop(base) / name / "5" / "variables" / "half").write_bytes(b"ha")
    push(base, model)
    assert sorted(path.name for path in locate_workshop(base).rglob("*")) == ["incoming", "lock", "newest_version"]


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
    with hold_lock(locate_workshop(base) / "lock", ""), pytest.raises(LockedError, match="another process pushes to"):
        push(base, model)
    assert push(base, model).version == 1000


@pytest.mark.timeout(120)
def test_ten_kills_at_random_moments_show_no_reader_a_partial_version(base: pathlib.Path, model: pathlib.Path) -> None:
    (model / "variables" / "variables.data-00000-of-00001").write_bytes(os.urandom(1 << 20))
    leftovers, seen = push_and_kill(base, model, kills=10)
    assert seen.polls > 0
    assert seen.versions
    assert seen.partial == []
    assert seen.backward == []
    assert leftovers == 0
    assert all(find_faults(folder) == () for folder in find_versions(base).values())


def test_a_full_disk_leaves_no_version_and_the_next_push_pushes(mount: Mount, model: pathlib.Path) -> None:
    disk = mount("size=64k")
    base = disk / "serving" / "tokenlearner"
    first = push(base, model).version
    (model / "variables" / "variables.data").write_bytes(os.urandom(1 << 16))
    with pytest.raises(PushError, match="No space left on device") as full:
        push(base, model)
    sentence = describe_cause(full.value)
    assert sentence.startswith(f"no version was pushed to {base} (No space left on device: {disk}/serving/.tokenle")
    assert sentence.endswith("make room on its disk, then run the same command again.")
    assert classify(full.value) == ExitCode.STEP_FAILED
    assert list(find_versions(base)) == [first]
    assert list((locate_workshop(base) / "incoming").iterdir()) == []
    (model / "variables" / "variables.data").unlink()
    assert push(base, model).version > first


def test_a_full_disk_at_any_byte_leaves_no_partial_version(mount: Mount, model: pathlib.Path) -> None:
    disk = mount("size=64k")
    base = disk / "serving" / "tokenlearner"
    first = push(base, model).version
    ballast = disk / "ballast"
    rejected = 0
    for pages in range(16, -1, -1):
        ballast.unlink(missing_ok=True)
        _fill(ballast, pages * 4096)
        try:
            push(base, model, keep=1)
        except PushError:
            rejected += 1
        assert all(find_faults(folder) == () for folder in find_versions(base).values())
    assert 0 < rejected < 17
    assert max(find_versions(base)) > first


def test_a_read_only_disk_is_told_and_the_next_push_pushes(mount: Mount, model: pathlib.Path) -> None:
    disk = mount("size=1m")
    base = disk / "serving" / "tokenlearner"
    first = push(base, model).version
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(PushError, match=r"\(Read-only file system: .*make it a folder that may be written to"):
        push(base, model)
    assert list(find_versions(base)) == [first]
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert push(base, model).version == first + 1


def test_a_served_folder_on_another_file_system_is_told(mount: Mount, model: pathlib.Path) -> None:
    base = mount("size=1m")
    with pytest.raises(PushError, match="let it lie on the same file system as"):
        push(base, model)
    assert list(base.iterdir()) == []


def test_a_model_that_is_gone_is_named(base: pathlib.Path, model: pathlib.Path) -> None:
    (model / "saved_model.pb").unlink()
    (model / "saved_model.pb").symlink_to(model / "nowhere")
    with pytest.raises(PushError, match=r"No such file or directory: .*saved_model\.pb"):
        push(base, model)
    assert find_versions(base) == {}


def _fill(path: pathlib.Path, size: int) -> None:
    try:
        path.write_bytes(bytes(size))
    except OSError:
        return


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
