"""Compares a version on disk with its manifest; without TFX and TensorFlow."""

import dataclasses
import hashlib
import os
import pathlib
import stat

from components.pusher.manifest import MANIFEST_FILE, FileRecord, Manifest, decode_manifest

NO_MANIFEST = "is missing, so this version cannot be verified"


@dataclasses.dataclass(frozen=True)
class IntegrityError:
    """A file of a version that is missing, changed or not in the manifest."""

    file: str  # path within the version
    message: str  # what is wrong with it, such as "is missing"

    def __str__(self) -> str:
        return f"{self.file} {self.message}"


def find_integrity_errors(folder: pathlib.Path, recorded_sha256: str | None = None) -> tuple[IntegrityError, ...]:
    """Compares every byte of a version with its manifest, and the manifest with ML Metadata.

    Args:
        folder: Of the version; its name is the version.
        recorded_sha256: Of `manifest.json`, from ML Metadata; None: unknown.

    Returns:
        The errors, by file; empty if the version is whole.
    """
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
        manifest = decode_manifest(content)
        message = _compare_manifest(folder, manifest, content, recorded_sha256)
    except FileNotFoundError:
        message = NO_MANIFEST
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except ValueError:
        message = "was changed: its content does not match its own digest"
    return (IntegrityError(MANIFEST_FILE, message),) if message else _compare_files(folder, manifest)


def hash_file(path: pathlib.Path) -> FileRecord:
    content = path.read_bytes()
    return FileRecord(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def list_files(folder: pathlib.Path) -> set[str]:
    """Returns the paths within a folder of all files in it, links included."""
    found = set()
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if pathlib.Path(place, name).is_symlink()]
        found |= {pathlib.Path(place, name).relative_to(folder).as_posix() for name in (*files, *links)}
    return found


def _compare_manifest(
    folder: pathlib.Path, manifest: Manifest, content: bytes, recorded_sha256: str | None
) -> str | None:
    if recorded_sha256 and hashlib.sha256(content).hexdigest() != recorded_sha256:
        return "is not the one that was pushed: its SHA-256 differs from the one in ML Metadata"
    if folder.name != str(manifest.version):
        return f"is that of version {manifest.version}, but its folder is named {folder.name}"
    return None


def _compare_files(folder: pathlib.Path, manifest: Manifest) -> tuple[IntegrityError, ...]:
    found, expected = list_files(folder) - {MANIFEST_FILE}, set(manifest.files)
    messages: dict[str, str | None] = dict.fromkeys(found - expected, "is not in the manifest")
    messages |= {name: _compare_file(folder / name, manifest.files[name]) for name in expected}
    return tuple(IntegrityError(name, message) for name, message in sorted(messages.items()) if message)


def _compare_file(path: pathlib.Path, expected: FileRecord) -> str | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "is not a regular file"
        actual = hash_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if actual.size_bytes != expected.size_bytes:
        return f"was changed: it has {actual.size_bytes:,} bytes instead of {expected.size_bytes:,}"
    return None if actual == expected else "was changed: its SHA-256 is not the one in the manifest"
