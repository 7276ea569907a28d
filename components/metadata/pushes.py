"""The pushes and rollbacks in ML Metadata, and the origin of a pushed model."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable

from components.artifacts.lineage import ArtifactRecord
from components.metadata.lineage import list_artifacts
from components.metadata.records import Artifact, Execution, Records
from components.pusher.manifest import Manifest, hash_manifest

# Custom properties of a PushedModel, beside those of TFX: pushed, pushed_destination, pushed_version.
MANIFEST_SHA256 = "manifest_sha256"  # of the file `manifest.json`
NOT_PUSHED_BECAUSE = "not_pushed_because"  # a clause; set if nothing was pushed
MODEL_ID = "model_id"  # of the artifact that was pushed
ROLLED_BACK = "rolled_back"  # JSON of `Push.rolled_back`
MANUAL_BLESSING = "manual_blessing"  # id of the ModelBlessing of a manual blessing; 0: none

_BASELINE_INPUT = "baseline_model"  # no ancestor of a version: another training made it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Push:
    """A push or a rollback."""

    artifact_id: int
    version: int
    model_id: int  # 0: unknown
    rolled_back: dict[int, str]  # reasons not to push models again, by the ids of the models that were rolled back


@dataclasses.dataclass(frozen=True, kw_only=True)
class Making:
    """The origin of a model, as fields of its manifest."""

    run_id: str | None
    data_digest: str | None
    code_digests: dict[str, str]
    lineage: tuple[ArtifactRecord, ...]


NOTHING_KNOWN = Making(run_id=None, data_digest=None, code_digests={}, lineage=())


def read_making(records: Records | None, artifact_ids: Iterable[int]) -> Making:
    """Finds the origin of a version.

    Args:
        records: None if there is no ML Metadata.
        artifact_ids: Of its artifacts, such as the model and its verdict.

    Returns:
        The newest run, which is in progress, the digests of the data and of the steps' sources, and all artifacts.
    """
    if records is None:
        return NOTHING_KNOWN
    start = [(records.artifacts[artifact_id], "") for artifact_id in artifact_ids if artifact_id in records.artifacts]
    ancestors = list(records.walk_back(start, skip=[_BASELINE_INPUT]))
    makers = [ancestor.maker for ancestor in ancestors]
    data_digests = [str(maker.custom_properties["source_digest"].string_value) for maker in makers]
    code_digests = {records.name_step(maker): _find_code_digest(maker) for maker in makers}
    return Making(
        run_id=records.run_ids[-1] if records.run_ids else None,
        data_digest=next((digest for digest in data_digests if digest), None),
        code_digests={step: digest for step, digest in sorted(code_digests.items()) if digest},
        lineage=list_artifacts(records, ancestors),
    )


def read_pushes(records: Records | None) -> list[Push]:
    """Returns every push, oldest first."""
    artifacts = sorted(records.artifacts.items()) if records else []
    return [_read_push(artifact) for _, artifact in artifacts if find_version(artifact)]


def mark_pushed(artifact: Artifact, base: pathlib.Path, manifest: Manifest, rolled_back: dict[int, str]) -> None:
    """Sets the properties that TFX's Pusher sets, and those that a later push and `versions verify` read.

    Args:
        artifact: A PushedModel.
        base: The folder that is served.
        manifest: Of the version.
        rolled_back: Of the push, see `Push`.
    """
    properties = artifact.custom_properties
    properties["pushed"].int_value = 1
    properties["pushed_destination"].string_value = str(base / str(manifest.version))
    properties["pushed_version"].string_value = str(manifest.version)
    properties[MANIFEST_SHA256].string_value = hash_manifest(manifest)
    properties[MODEL_ID].int_value = manifest.model.artifact_id
    reasons = {str(model_id): why for model_id, why in sorted(rolled_back.items())}
    properties[ROLLED_BACK].string_value = json.dumps(reasons)


def _read_push(artifact: Artifact) -> Push:
    rolled_back = json.loads(artifact.custom_properties[ROLLED_BACK].string_value or "{}")
    return Push(
        artifact_id=artifact.id,
        version=find_version(artifact),
        model_id=artifact.custom_properties[MODEL_ID].int_value,
        rolled_back={int(model_id): why for model_id, why in rolled_back.items()},
    )


def find_version(artifact: Artifact) -> int:
    """Returns the version of a PushedModel; 0: nothing was pushed, or it is another artifact."""
    version = artifact.custom_properties["pushed_version"].string_value
    return int(version) if version.isdecimal() else 0


def _find_code_digest(maker: Execution) -> str:
    properties = maker.custom_properties
    custom_config = json.loads(properties["custom_config"].string_value or "{}") or {}  # may be "null"
    return str(properties["code_digest"].string_value or custom_config.get("code_digest", ""))
