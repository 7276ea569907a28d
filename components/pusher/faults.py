"""In what a version on disk differs from its manifest, in words; without TFX and TensorFlow."""

import dataclasses
import hashlib
import os
import pathlib

from components.pusher.manifest import MANIFEST_FILE, FileRecord, Manifest, decode_manifest

NO_MANIFEST = "is missing, so nothing vouches for this version"  # of the fault of `manifest.json`
_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One difference."""

    file: str  # path within the version
    sentence: str  # what is wrong with it


def find_faults(folder: pathlib.Path, recorded_sha256: str | None = None) -> tuple[Fault, ...]:
    """Compares every byte of a version with its manifest, and the manifest with ML Metadata.

    Args:
        folder: Of the version; its name is the version.
        recorded_sha256: Of `manifest.json`, as ML Metadata keeps it; None: not known.

    Returns:
        A fault for each file that is missing, changed or not in the manifest; empty if the version is whole.
    """
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
        manifest = decode_manifest(content)
    except FileNotFoundError:
        return (_blame(MANIFEST_FILE, NO_MANIFEST),)
    except OSError as error:
        return (_blame(MANIFEST_FILE, f"cannot be read ({error.strerror})"),)
    except ValueError:
        return (_blame(MANIFEST_FILE, "was changed: its content does not have the digest that it names"),)
    if recorded_sha256 and hashlib.sha256(content).hexdigest() != recorded_sha256:
        return (_blame(MANIFEST_FILE, "is not the one that was pushed: ML Metadata keeps another SHA-256 of it"),)
    if folder.name != str(manifest.version):
        sentence = f"is that of version {manifest.version}, but its folder is named {folder.name}"
        return (_blame(MANIFEST_FILE, sentence),)
    return _compare(folder, manifest)


def hash_file(path: pathlib.Path) -> FileRecord:
    """Reads a file to its end."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(size_bytes=size, sha256=digest.hexdigest())


def list_files(folder: pathlib.Path) -> set[str]:
    """Returns the path within a folder of everything in it that is no folder, links included."""
    found = set()
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if pathlib.Path(place, name).is_symlink()]
        found |= {pathlib.Path(place, name).relative_to(folder).as_posix() for name in (*files, *links)}
    return found


def _compare(folder: pathlib.Path, manifest: Manifest) -> tuple[Fault, ...]:
    found = list_files(folder) - {MANIFEST_FILE}
    sentences = dict.fromkeys(found - set(manifest.files), "is not in the manifest")
    for name, expected in manifest.files.items():
        sentence = _judge(folder / name, expected) if name in found else "is missing"
        if sentence:
            sentences[name] = sentence
    return tuple(_blame(name, sentence) for name, sentence in sorted(sentences.items()))


def _judge(path: pathlib.Path, expected: FileRecord) -> str | None:
    if path.is_symlink() or not path.is_file():
        return "is no ordinary file"
    try:
        actual = hash_file(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if actual.size_bytes != expected.size_bytes:
        return f"was changed: it has {actual.size_bytes:,} bytes instead of {expected.size_bytes:,}"
    return None if actual == expected else "was changed: its SHA-256 is not the one in the manifest"


def _blame(file: str, sentence: str) -> Fault:
    return Fault(file=file, sentence=sentence)
