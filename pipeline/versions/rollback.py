"""`tokenlearner versions rollback`: serves an older version again and records that in ML Metadata."""

import dataclasses
import pathlib
import time

from rich.console import Console

from components.errors import DataFailure, Failure, UsageFailure
from components.lock import hold_lock
from components.metadata import pushes as recorded
from components.metadata.manual_actions import copy_as_new, find_login_name, record_by_hand
from components.metadata.records import ROLLBACK_NODE, Records, format_time
from components.pusher.manifest import Manifest, Rollback
from components.pusher.shelf import open_shelf
from pipeline.config import locate_serving_dir
from pipeline.versions.pushed import PushedVersion, find_pushes, read_versions, select_version


def roll_back(root_path: pathlib.Path, version: int, reason: str | None, console: Console) -> None:
    """Publishes a copy of an older version under a new, larger number.

    Args:
        root_path: The pipeline root.
        version: The older version.
        reason: Why; recorded.
        console: Where to print the result.

    Raises:
        UsageFailure: There is no such version, or it is the one that is served.
        DataFailure: It is damaged.
        Failure: It cannot be copied or recorded.
        LockedError: A run is in progress in the root.
    """
    Records(root_path / "metadata.sqlite")  # fails where there is no run, before the lock makes a folder
    busy = f"another run works in {root_path}; wait for it, or interrupt it: the same command resumes it."
    try:
        with hold_lock(root_path / ".lock", busy):
            records = Records(root_path / "metadata.sqlite")
            versions = read_versions(root_path, records)
            chosen, served = select_version(versions, version), versions[-1]
            rollback = Rollback(
                copy_of=version,
                rolled_back_from=served.version,
                who=find_login_name(),
                reason=" ".join((reason or "").split()) or None,
            )
            manifest = _publish(chosen, served, rollback, list(find_pushes(records)))
            _record(root_path, records, manifest, rollback, served)
    except OSError as error:
        raise Failure(f"nothing was rolled back: {root_path} cannot be written to ({error.strerror}).") from None
    console.out(f"Version {manifest.version}, a copy of {version}, is served now instead of {served.version}.")
    if served.manifest and served.manifest.model.artifact_id == manifest.model.artifact_id:
        console.out("Both hold the same model: the next run may push it again, with its card and other files.")
    else:
        console.out(
            f"Runs push the model of {served.version} again only after another one was pushed; "
            f"`tokenlearner versions rollback {served.version}` brings it back.",
            highlight=False,
        )


def _publish(chosen: PushedVersion, served: PushedVersion, rollback: Rollback, seen: list[int]) -> Manifest:
    if chosen is served:
        raise UsageFailure(
            f"version {chosen.version} is the one that is served; name an older one, see `versions list`."
        )
    if chosen.integrity_errors or not chosen.manifest:
        raise DataFailure(
            f"version {chosen.version} is damaged: {chosen.integrity_errors[0]}; name another one, see `versions list`."
        )
    draft = dataclasses.replace(chosen.manifest, rollback=rollback)
    with open_shelf(chosen.folder.parent.resolve()) as shelf:
        return shelf.publish({name: chosen.folder / name for name in draft.files}, draft, seen, time.time())


def _record(
    root_path: pathlib.Path, records: Records, manifest: Manifest, rollback: Rollback, served: PushedVersion
) -> None:
    """Writes an execution that read the older version and its model, and made the new version."""
    pushes = find_pushes(records)
    if not pushes:
        raise Failure(f"version {manifest.version} is served now, but not recorded: ML Metadata holds no push.")
    source = pushes.get(rollback.copy_of)  # None: the process that pushed it was killed before it was recorded
    model = records.artifacts.get(manifest.model.artifact_id)
    inputs = {"pushed_model": source, "model": model if model and model.type == "Model" else None}
    made = copy_as_new(source or pushes[max(pushes)])
    if source is None:
        made.custom_properties.clear()
    try:
        folder = root_path.resolve() / ROLLBACK_NODE / "pushed_model" / str(manifest.version)
        folder.mkdir(parents=True, exist_ok=True)
        made.uri = str(folder)
        rolled_back = _add_rolled_back(recorded.read_pushes(records)[-1], rollback, served)
        still = {key: why for key, why in rolled_back.items() if key not in (0, manifest.model.artifact_id)}
        recorded.mark_pushed(made, locate_serving_dir(root_path).resolve(), manifest, still)
        record_by_hand(
            root_path / "metadata.sqlite",
            node=ROLLBACK_NODE,
            run_id=manifest.run_id if manifest.run_id in records.run_ids else records.run_ids[-1],
            properties={
                "version": str(manifest.version),
                "copy_of": str(rollback.copy_of),
                "rolled_back_from": str(rollback.rolled_back_from),
                "who": rollback.who,
                "reason": rollback.reason or "",
            },
            inputs={key: artifact for key, artifact in inputs.items() if artifact},
            outputs={"pushed_model": made},
        )
    except (Failure, OSError) as failure:
        raise Failure(f"version {manifest.version} is served now, but not recorded: {failure}") from None


def _add_rolled_back(last: recorded.Push, rollback: Rollback, served: PushedVersion) -> dict[int, str]:
    """Returns why which models are not pushed again: those of the last push, and the one that is replaced now."""
    model_id = served.manifest.model.artifact_id if served.manifest else last.model_id
    reason = f": {rollback.reason.rstrip('.')}" if rollback.reason else ""
    message = (
        f"version {served.version} with this model was rolled back by {rollback.who} on "
        f"{format_time(time.time())}{reason}; `tokenlearner versions rollback {served.version}` brings it back"
    )
    return {**last.rolled_back, model_id: message}
