"""The folder that is served: versions are added and removed whole, whatever happens; without TFX and TensorFlow.

Partial versions lie in a hidden sibling on the same file system, where neither TensorFlow Serving nor we look for
versions: `.NAME.push/incoming` until they are complete, `.NAME.push/outgoing` while they are removed. A rename moves
them.
"""

import contextlib
import dataclasses
import datetime
import logging
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator, Mapping

from components.errors import Failure
from components.lock import hold_lock
from components.pusher.integrity import hash_file
from components.pusher.manifest import MANIFEST_FILE, FileRecord, Manifest, encode_manifest
from components.pusher.versions import choose_outdated, choose_version, find_versions, read_manifests


class Shelf:
    """A folder of versions that this process may change; made by `open_shelf`.

    Args:
        base: The folder that is served.
    """

    def __init__(self, base: pathlib.Path) -> None:
        self.base = base
        self._incoming, self._outgoing = (locate_staging(base) / name for name in ("incoming", "outgoing"))
        for folder in (self._incoming, self._outgoing):  # with the leftovers of a push that was killed
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir()

    def publish(self, files: Mapping[str, pathlib.Path], draft: Manifest, seen: Iterable[int], now: float) -> Manifest:
        """Adds a new version with all its files at once.

        Args:
            files: What to copy, by path within the version.
            draft: The manifest without the version, the time and the files.
            seen: Earlier versions that may be gone, from ML Metadata; the new one is larger.
            now: Seconds since 1970.

        Returns:
            The manifest.
        """
        version = choose_version({*find_versions(self.base), *seen}, now)
        staged = self._incoming / str(version)
        staged.mkdir()
        try:
            pushed_at = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).isoformat(timespec="seconds")
            records = {name: _copy_file(source, staged / name) for name, source in sorted(files.items())}
            manifest = dataclasses.replace(draft, version=version, pushed_at=pushed_at, files=records)
            (staged / MANIFEST_FILE).write_bytes(encode_manifest(manifest))
            _sync(staged / MANIFEST_FILE)
            for place, _, _ in os.walk(staged):
                _sync(pathlib.Path(place))
            self.base.mkdir(parents=True, exist_ok=True)
            _sync(self.base.parent)
            staged.rename(self.base / str(version))
            _sync(self.base)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        return manifest

    def remove_outdated(self, keep: int, baseline_id: int | None) -> None:
        """Removes the versions that `choose_outdated` names; a folder without a manifest of ours stays.

        An error is only logged: the next push tries again.
        """
        folders = find_versions(self.base)
        try:
            for version in choose_outdated(read_manifests(folders), keep, baseline_id):
                folders[version].rename(self._outgoing / str(version))
                _sync(self.base)
            shutil.rmtree(self._outgoing)
        except OSError as error:
            logging.warning("An old version could not be removed from %s: %s", self.base, error)


@contextlib.contextmanager
def open_shelf(base: pathlib.Path) -> Iterator[Shelf]:
    """Lets one process at a time change a folder of versions.

    Args:
        base: The folder that is served; made with its first version.

    Raises:
        Failure: The disk is full, may not be written to, or fails.
        LockedError: Another process pushes.
    """
    busy = f"another process pushes to {base}; run the same command again when it is done."
    try:
        with hold_lock(locate_staging(base) / "lock", busy):
            yield Shelf(base)
    except OSError as error:
        raise Failure(
            f"no version was pushed to {base}, the earlier ones are unchanged ({error}); run the same command again "
            f"once it can be written to and is on one file system with {locate_staging(base).name}."
        ) from error


def locate_staging(base: pathlib.Path) -> pathlib.Path:
    """Returns the hidden sibling of a folder of versions."""
    return base.with_name(f".{base.name}.push")


def _copy_file(source: pathlib.Path, target: pathlib.Path) -> FileRecord:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    _sync(target)
    return hash_file(source)


def _sync(path: pathlib.Path) -> None:
    """Waits until a file, or the list of a folder's files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
