"""The pushed versions of a pipeline root, each compared with its manifest and ML Metadata."""

import dataclasses
import pathlib

from components.errors import UsageFailure
from components.metadata.pushes import MANIFEST_SHA256, find_version
from components.metadata.records import Artifact, Records, open_records
from components.pusher.integrity import IntegrityError, find_integrity_errors
from components.pusher.manifest import Manifest
from components.pusher.versions import choose_newest_holder, find_versions, read_manifests
from pipeline.config import locate_serving_dir


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushedVersion:
    """A version on the disk."""

    version: int
    folder: pathlib.Path
    manifest: Manifest | None  # None: missing or changed
    integrity_errors: tuple[IntegrityError, ...]
    is_served: bool  # the newest, which TensorFlow Serving loads
    is_baseline: bool  # the newest Evaluator compared its model with this one

    @property
    def is_whole(self) -> bool:
        return not self.integrity_errors


def read_versions(root_path: pathlib.Path, records: Records | None = None) -> list[PushedVersion]:
    """Reads every byte of every version.

    Args:
        root_path: The pipeline root.
        records: Of the same root; None: read them, if there are any.

    Returns:
        The versions, oldest first.

    Raises:
        UsageFailure: If there is none.
    """
    records = records or open_records(root_path / "metadata.sqlite")
    base = locate_serving_dir(root_path)
    folders = find_versions(base)
    if not folders:
        raise UsageFailure(f"{base} holds no version yet; a `tokenlearner run` whose model is blessed pushes one.")
    manifests = read_manifests(folders)
    baseline = choose_newest_holder(manifests, _find_baseline(records))
    pushes = find_pushes(records)
    digests = {version: push.custom_properties[MANIFEST_SHA256].string_value for version, push in pushes.items()}
    return [
        PushedVersion(
            version=version,
            folder=folder,
            manifest=manifests.get(version),
            integrity_errors=find_integrity_errors(folder, digests.get(version)),
            is_served=version == max(folders),
            is_baseline=version == baseline,
        )
        for version, folder in folders.items()
    ]


def select_version(versions: list[PushedVersion], wanted: int) -> PushedVersion:
    """Returns one of the versions.

    Raises:
        UsageFailure: It is not among them.
    """
    for each in versions:
        if each.version == wanted:
            return each
    existing = ", ".join(str(each.version) for each in versions)
    raise UsageFailure(f"{versions[0].folder.parent} holds no version {wanted}; it holds {existing}.")


def find_pushes(records: Records | None) -> dict[int, Artifact]:
    """Returns the PushedModel of each version that was ever pushed."""
    artifacts = records.artifacts.values() if records else ()
    return {version: artifact for artifact in artifacts if (version := find_version(artifact))}


def _find_baseline(records: Records | None) -> int | None:
    """Returns the id of the model that the newest Evaluator compared its model with."""
    if records is None:
        return None
    evaluators = [records.steps(run_id).get("Evaluator") for run_id in records.run_ids]
    newest = next((evaluator for evaluator in reversed(evaluators) if evaluator), None)
    return next((model.id for model in records.inputs(newest, "baseline_model")), None) if newest else None
