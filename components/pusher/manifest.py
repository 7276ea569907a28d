"""The content of `manifest.json`, its reader and its writer; without TFX and TensorFlow."""

import dataclasses
import hashlib
import pathlib

import pydantic

from components.artifacts.lineage import ArtifactRecord
from components.artifacts.verdict import Measure

MANIFEST_FILE = "manifest.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRecord:
    """One file of a version."""

    size_bytes: int
    sha256: str  # hexadecimal


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """The model that was pushed."""

    artifact_id: int  # of ML Metadata
    folder: str  # last part of the artifact's address
    point: str  # such as "token_learner-8@2"
    macs: int  # true multiply-accumulates an image
    parameters: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """Metrics of the model on the test split."""

    images: int
    accuracy: Measure  # 0..1
    top_5_accuracy: Measure  # 0..1
    cross_entropy: Measure  # nats
    expected_calibration_error: Measure  # 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature of the SavedModel: types and shapes by name, such as "string [-1]"."""

    inputs: dict[str, str]
    outputs: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rollback:
    """Why an older version is served again under a new number."""

    copy_of: int  # the older version
    rolled_back_from: int  # the version that was served until then
    who: str  # login name
    reason: str | None  # None: none was given


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """A pushed version and how it was made."""

    version: int
    run_id: str | None  # None: no ML Metadata; then there are no digests either
    pushed_at: str  # UTC, ISO 8601
    model: ModelRecord
    data_digest: str | None  # SHA-256 of the dataset's records
    code_digests: dict[str, str]  # SHA-256 of the sources, by the step that depends on them
    metrics: Metrics
    signatures: dict[str, Signature]
    files: dict[str, FileRecord]  # by path within the version; all but the manifest itself
    rollback: Rollback | None = None
    lineage: tuple[ArtifactRecord, ...] = ()  # the artifacts that it was made from, and their sources
    digest: str = ""  # SHA-256 of this manifest with an empty digest

    @property
    def size(self) -> str:
        """Number and size of the files in words."""
        return f"{len(self.files)} files of {sum(file.size_bytes for file in self.files.values()) / 1e6:.2f} MB in all"


_MANIFEST = pydantic.TypeAdapter(Manifest)


def encode_manifest(manifest: Manifest) -> bytes:
    """Returns a manifest as JSON, with a new digest; the same manifest always gives the same bytes."""
    digest = hashlib.sha256(_dump(dataclasses.replace(manifest, digest=""))).hexdigest()
    return _dump(dataclasses.replace(manifest, digest=digest))


def _dump(manifest: Manifest) -> bytes:
    is_old = not manifest.lineage  # of a version before 0.2, whose manifests have no such field
    return _MANIFEST.dump_json(manifest, indent=1, exclude={"lineage"} if is_old else None)


def hash_manifest(manifest: Manifest) -> str:
    """Returns the SHA-256 of a manifest's file, which ML Metadata keeps."""
    return hashlib.sha256(encode_manifest(manifest)).hexdigest()


def decode_manifest(content: bytes) -> Manifest:
    """Reads what `encode_manifest` returned.

    Raises:
        ValueError: If a single byte of it differs.
    """
    manifest = _MANIFEST.validate_json(content)
    if encode_manifest(manifest) != content:
        raise ValueError("its content does not match its own digest")
    return manifest


def read_manifest(folder: pathlib.Path) -> Manifest:
    """Reads `manifest.json`.

    Args:
        folder: Of the version.

    Raises:
        OSError: If it cannot be read, such as FileNotFoundError.
        ValueError: If a byte of it was changed.
    """
    return decode_manifest((folder / MANIFEST_FILE).read_bytes())
