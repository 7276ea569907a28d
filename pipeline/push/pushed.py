"""The pushed versions of a pipeline root, each held against its manifest and ML Metadata."""

import dataclasses
import pathlib

from components.errors import UsageFailure
from components.metadata.pushes import MANIFEST_SHA256, find_version
from components.metadata.records import Artifact, Records, open_records
from components.pusher.faults import Fault, find_faults
from components.pusher.manifest import Manifest, read_manifest
from components.pusher.versions import choose_newest_holder, find_versions
from pipeline.config import locate_serving_dir


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushedVersion:
    """A version on the disk."""

    version: int
    folder: pathlib.Path
    manifest: Manifest | None  # None: missing or changed
    faults: tuple[Fault, ...]  # empty: whole
    is_served: bool  # the newest, which TensorFlow Serving takes
    is_baseline: bool  # of what the newest judged model had to stand up to


def read_versions(root_path: pathlib.Path, records: Records | None = None) -> list[PushedVersion]:
    """Reads every byte of every version.

    Args:
        root_path: The pipeline root.
        records: Of the same root; None: as they are now, if there are any.

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
    manifests = {version: _read_manifest(folder) for version, folder in folders.items()}
    whole = {version: manifest for version, manifest in manifests.items() if manifest}
    baseline = choose_newest_holder(whole, _find_baseline(records))
    digests = {
        version: artifact.custom_properties[MANIFEST_SHA256].string_value or None
        for version, artifact in find_pushes(records).items()
    }
    return [
        PushedVersion(
            version=version,
            folder=folder,
            manifest=manifests[version],
            faults=find_faults(folder, digests.get(version)),
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
    there = ", ".join(str(each.version) for each in versions)
    raise UsageFailure(f"{versions[0].folder.parent} holds no version {wanted}; there are {there}.")


def find_pushes(records: Records | None) -> dict[int, Artifact]:
    """Returns what ML Metadata keeps of each version that was ever pushed."""
    artifacts = records.artifacts.values() if records else ()
    return {version: artifact for artifact in artifacts if (version := find_version(artifact))}


def _find_baseline(records: Records | None) -> int | None:
    """Returns the artifact's id of the model that the newest judged one was held against."""
    for run_id in reversed(records.run_ids if records else []):
        assert records is not None
        evaluator = records.steps(run_id).get("Evaluator")
        if evaluator:
            return next((model.id for model in records.inputs(evaluator, "baseline_model")), None)
    return None


def _read_manifest(folder: pathlib.Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except (OSError, ValueError):
        return None
