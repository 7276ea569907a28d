"""What a rollback leaves in ML Metadata: the version that came back, as a PushedModel, and which model it replaced."""

import pathlib
import time

from components.errors import Failure
from components.metadata import pushes as recorded
from components.metadata.manual_actions import copy_as_new, record_by_hand
from components.metadata.records import ROLLBACK_NODE, Artifact, Records, format_time
from components.pusher.manifest import Manifest, Rollback, hash_manifest
from pipeline.config import locate_serving_dir
from pipeline.push.pushed import PushedVersion, find_pushes


def record_rollback(root_path: pathlib.Path, records: Records, manifest: Manifest, replaced: PushedVersion) -> None:
    """Writes an execution that read the older version and its model, and made the new version.

    Args:
        root_path: The pipeline root.
        records: Of the root, as they were before.
        manifest: Of the new version.
        replaced: The version that was served until then.

    Raises:
        Failure: ML Metadata does not take it; the version is served all the same.
    """
    assert manifest.rollback is not None
    rollback = manifest.rollback
    pushes = find_pushes(records)
    model = records.artifacts.get(manifest.model.artifact_id)
    source = pushes.get(rollback.copy_of)  # a push that was killed at its very end left no record
    inputs = {"pushed_model": source, "model": model if model and model.type == "Model" else None}
    try:
        record_by_hand(
            root_path / "metadata.sqlite",
            node=ROLLBACK_NODE,
            run_id=manifest.run_id if manifest.run_id in records.run_ids else records.run_ids[-1],
            properties=_describe(manifest.version, rollback),
            inputs={key: artifact for key, artifact in inputs.items() if artifact},
            outputs={"pushed_model": _make_push(root_path, records, manifest, replaced)},
        )
    except (Failure, OSError) as failure:
        raise Failure(f"version {manifest.version} is served now, but not recorded: {failure}") from None


def _describe(version: int, rollback: Rollback) -> dict[str, str]:
    numbers = {"version": version, "copy_of": rollback.copy_of, "rolled_back_from": rollback.rolled_back_from}
    words = {"who": rollback.who, "reason": rollback.reason or ""}
    return {name: str(number) for name, number in numbers.items()} | words


def _make_push(root_path: pathlib.Path, records: Records, manifest: Manifest, replaced: PushedVersion) -> Artifact:
    """Makes the artifact: what the older version was made from stays, so that a run knows it again."""
    assert manifest.rollback is not None
    pushes = find_pushes(records)
    if not pushes:
        raise Failure("ML Metadata holds no push before it.")
    artifact = copy_as_new(pushes.get(manifest.rollback.copy_of, pushes[max(pushes)]))
    if manifest.rollback.copy_of not in pushes:
        artifact.custom_properties.clear()
    folder = root_path.resolve() / ROLLBACK_NODE / "pushed_model" / str(manifest.version)
    folder.mkdir(parents=True, exist_ok=True)
    artifact.uri = str(folder)
    properties = artifact.custom_properties
    properties["pushed"].int_value = 1
    properties["pushed_version"].string_value = str(manifest.version)
    destination = locate_serving_dir(root_path).resolve() / str(manifest.version)
    properties["pushed_destination"].string_value = str(destination)
    properties[recorded.MANIFEST_SHA256].string_value = hash_manifest(manifest)
    properties[recorded.MODEL_ID].int_value = manifest.model.artifact_id
    withheld = _withhold(recorded.read_pushes(records)[-1], manifest, replaced)
    properties[recorded.WITHHELD].string_value = recorded.format_withheld(withheld)
    return artifact


def _withhold(last: recorded.Push, manifest: Manifest, replaced: PushedVersion) -> dict[int, str]:
    """Returns why which models are not pushed again: those withheld before, and the one that was replaced now."""
    assert manifest.rollback is not None
    model_id = replaced.manifest.model.artifact_id if replaced.manifest else last.model_id
    reason = f": {manifest.rollback.reason.rstrip('.')}" if manifest.rollback.reason else ""
    sentence = (
        f"version {replaced.version} with this model was rolled back by {manifest.rollback.who} on "
        f"{format_time(time.time())}{reason}; `tokenlearner push rollback {replaced.version}` brings it back"
    )
    withheld = {**last.withheld, model_id: sentence}
    return {each: why for each, why in withheld.items() if each not in (0, manifest.model.artifact_id)}
