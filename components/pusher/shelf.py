"""The folder that is served: versions come onto it and go from it whole, whatever happens; without TFX and TensorFlow.

What is not whole lies in a hidden sibling on the same file system, where neither TensorFlow Serving nor we look for
versions: `.NAME.push/incoming` on its way in, `.NAME.push/outgoing` on its way out. A rename moves it between the two.
"""

import contextlib
import dataclasses
import datetime
import errno
import logging
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator, Mapping

from components.lock import hold_lock
from components.pusher.faults import hash_file
from components.pusher.manifest import MANIFEST_FILE, FileRecord, Manifest, encode_manifest, read_manifest
from components.pusher.versions import choose_outdated, choose_version, find_versions

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


class PushError(Exception):
    """Nothing was pushed; the message says why and what would be right."""


class Shelf:
    """A folder of versions that this process may change; made by `open_shelf`.

    Args:
        base: The folder that is served.
    """

    def __init__(self, base: pathlib.Path) -> None:
        self.base = base
        workshop = locate_workshop(base)
        self._incoming = workshop / "incoming"
        self._outgoing = workshop / "outgoing"
        self._ledger = workshop / "newest_version"

    def clear(self) -> None:
        """Removes what a push that was killed has left."""
        for folder in (self._incoming, self._outgoing):
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)

    def seen(self) -> set[int]:
        """Returns the versions that are there, and the newest one that ever was."""
        versions = set(find_versions(self.base))
        with contextlib.suppress(FileNotFoundError, ValueError):
            versions.add(int(self._ledger.read_text()))
        return versions

    def publish(self, files: Mapping[str, pathlib.Path], draft: Manifest, seen: Iterable[int], now: float) -> Manifest:
        """Puts a new version where servers see it, with all its files at once.

        Args:
            files: What to copy, by path within the version.
            draft: The manifest but for the version, which is larger than all before, the time and the files.
            seen: Versions known elsewhere, such as in ML Metadata.
            now: Seconds since 1970.

        Returns:
            The manifest.
        """
        version = choose_version(self.seen() | set(seen), now)
        staged = self._incoming / str(version)
        staged.mkdir()
        try:
            records = {name: _copy_file(source, staged / name) for name, source in sorted(files.items())}
            manifest = dataclasses.replace(draft, version=version, pushed_at=_format_time(now), files=records)
            _write_file(staged / MANIFEST_FILE, encode_manifest(manifest))
            for place, _, _ in os.walk(staged):
                _sync(pathlib.Path(place))
            self.base.mkdir(parents=True, exist_ok=True)
            _sync(self.base.parent)
            self._remember(version)
            staged.rename(self.base / str(version))
            _sync(self.base)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        return manifest

    def remove_outdated(self, keep: int, baseline_id: int | None) -> list[int]:
        """Removes the versions that `choose_outdated` names; a folder without a manifest of ours is left alone.

        What cannot be removed is left to the next push: it keeps no version from being served.
        """
        folders = find_versions(self.base)
        outdated = choose_outdated(dict(_read_manifests(folders)), keep, baseline_id)
        try:
            for version in outdated:
                folders[version].rename(self._outgoing / str(version))
                _sync(self.base)
            shutil.rmtree(self._outgoing)
        except OSError as error:
            logging.warning("An old version could not be removed from %s: %s", self.base, error)
        return outdated

    def _remember(self, version: int) -> None:
        draft = self._ledger.with_suffix(".new")
        _write_file(draft, str(version).encode())
        draft.rename(self._ledger)
        _sync(self._ledger.parent)


@contextlib.contextmanager
def open_shelf(base: pathlib.Path) -> Iterator[Shelf]:
    """Lets one process at a time change a folder of versions, after what a killed one left is cleared away.

    Args:
        base: The folder that is served; made with its first version.

    Raises:
        PushError: The disk is full, may not be written to, or fails.
        LockedError: Another process pushes.
    """
    try:
        busy = f"another process pushes to {base}; run the same command again when it is done."
        with hold_lock(locate_workshop(base) / "lock", busy):
            shelf = Shelf(base)
            shelf.clear()
            yield shelf
    except (OSError, OverflowError) as error:
        raise PushError(_explain(error, base)) from error


def locate_workshop(base: pathlib.Path) -> pathlib.Path:
    """Returns the hidden sibling of a folder of versions."""
    return base.with_name(f".{base.name}.push")


def _format_time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="seconds")


def _read_manifests(folders: Mapping[int, pathlib.Path]) -> Iterator[tuple[int, Manifest]]:
    for version, folder in folders.items():
        with contextlib.suppress(OSError, ValueError):
            yield version, read_manifest(folder)


def _copy_file(source: pathlib.Path, target: pathlib.Path) -> FileRecord:
    """Copies a file to the disk itself and tells what arrived there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    _sync(target)
    record = hash_file(target)
    if record != hash_file(source):
        raise OSError(errno.EIO, "the copy differs from its source", str(target))
    return record


def _write_file(path: pathlib.Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: pathlib.Path) -> None:
    """Waits until a file, or the list of a folder's files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(error: OSError | OverflowError, base: pathlib.Path) -> str:
    cause = str(error)
    advice = "run the same command again when this is mended"
    if isinstance(error, OSError):
        place = error.filename2 or error.filename  # of a copy, the one that could not be written
        where = f": {place}" if place else ""
        cause = f"{error.strerror or error}{where}"
        if error.errno in _FULL:
            advice = "make room on its disk, then run the same command again"
        elif error.errno in _FORBIDDEN:
            advice = "make it a folder that may be written to, then run the same command again"
        elif error.errno == errno.EXDEV:
            advice = f"let it lie on the same file system as {locate_workshop(base)}"
    return f"no version was pushed to {base} ({cause}), those before are as they were; {advice}"
