"""`tokenlearner push rollback`: an older version becomes the newest again, and ML Metadata knows it."""

import dataclasses
import pathlib
import time

from rich.console import Console

from components.errors import DataFailure, Failure, UsageFailure
from components.lock import hold_lock
from components.metadata.manual_actions import find_login_name
from components.metadata.records import Records
from components.pusher.manifest import Manifest, Rollback
from components.pusher.shelf import PushError, open_shelf
from pipeline.config import locate_serving_dir
from pipeline.push.pushed import PushedVersion, find_pushes, read_versions, select_version
from pipeline.push.record import record_rollback


def roll_back(root_path: pathlib.Path, version: int, reason: str | None, console: Console) -> None:
    """Publishes a copy of an older version under a new, larger number.

    Args:
        root_path: The pipeline root.
        version: That is to come back.
        reason: Why, for whoever looks at this later.
        console: Where to say what was done.

    Raises:
        UsageFailure: There is no such version, or it is the one that is served.
        DataFailure: It is damaged.
        Failure: It cannot be copied, or ML Metadata does not take it.
        LockedError: A run is at work in the root.
    """
    Records(root_path / "metadata.sqlite")  # nothing is made in a root without runs
    busy = f"another run works in {root_path}; wait for it, or interrupt it: the same command goes on where it was."
    try:
        with hold_lock(root_path / ".lock", busy):
            records = Records(root_path / "metadata.sqlite")
            versions = read_versions(root_path, records)
            chosen, served = select_version(versions, version), versions[-1]
            draft = _draft(chosen, served, " ".join(reason.split()) if reason else None)
            manifest = _publish(root_path, chosen, draft, list(find_pushes(records)))
            record_rollback(root_path, records, manifest, served)
    except OSError as error:
        raise Failure(f"nothing was rolled back: {root_path} cannot be written to ({error.strerror}).") from None
    console.print(f"Version {manifest.version}, a copy of {version}, is served now instead of {served.version}.")
    if served.manifest and served.manifest.model.artifact_id == manifest.model.artifact_id:
        console.print("Both hold the same model: the next run may push what stood beside it again.", highlight=False)
        return
    console.print(
        f"Runs push the model of {served.version} again only after another one was pushed; "
        f"`tokenlearner push rollback {served.version}` brings it back.",
        highlight=False,
    )


def _draft(chosen: PushedVersion, served: PushedVersion, reason: str | None) -> Manifest:
    """Returns the manifest of a whole version, with the rollback noted."""
    if chosen is served:
        raise UsageFailure(f"version {chosen.version} is the one that is served; name an older one, see `push list`.")
    if chosen.faults or not chosen.manifest:
        fault = chosen.faults[0]
        raise DataFailure(
            f"version {chosen.version} is damaged: {fault.file} {fault.sentence}; name another one, see `push list`."
        )
    rollback = Rollback(
        copy_of=chosen.version, rolled_back_from=served.version, who=find_login_name(), reason=reason or None
    )
    return dataclasses.replace(chosen.manifest, rollback=rollback)


def _publish(root_path: pathlib.Path, chosen: PushedVersion, draft: Manifest, seen: list[int]) -> Manifest:
    files = {name: chosen.folder / name for name in draft.files}
    try:
        with open_shelf(locate_serving_dir(root_path).resolve()) as shelf:
            return shelf.publish(files, draft, seen, time.time())
    except PushError as error:
        raise Failure(f"{error}.") from None
