"""Reads the artifacts behind a run or a version."""

import datetime
import pathlib
from collections.abc import Iterable

from components.artifacts.lineage import ArtifactRecord
from components.metadata.records import Ancestor, Records


def list_artifacts(records: Records, ancestors: Iterable[Ancestor]) -> tuple[ArtifactRecord, ...]:
    """Lists artifacts in the order in which they were made."""
    ordered = sorted(ancestors, key=lambda ancestor: ancestor.artifact.id)
    return tuple(_record_artifact(records, ancestor) for ancestor in ordered)


def _record_artifact(records: Records, ancestor: Ancestor) -> ArtifactRecord:
    artifact, folder = ancestor.artifact, pathlib.PurePath(ancestor.artifact.uri)
    return ArtifactRecord(
        id=artifact.id,
        kind=artifact.type.rpartition(".")[2],
        step=records.name_step(ancestor.maker),
        run_id=next(iter(records.runs_of(ancestor.maker)), ""),
        made=format_utc(artifact.create_time_since_epoch),
        folder=str(folder.relative_to(records.root)) if folder.is_relative_to(records.root) else folder.name,
        sources=ancestor.sources,
    )


def format_utc(milliseconds: float) -> str:
    """Returns a time in milliseconds since 1970 as UTC, such as "2026-11-22 13:41:34 UTC"."""
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
