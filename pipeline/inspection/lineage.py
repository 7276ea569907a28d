"""Shows the origin of a pushed version: every artifact that it was made from, by the events of ML Metadata."""

import dataclasses
from collections.abc import Iterable

from rich.console import Console

from components.artifacts.lineage import ArtifactRecord
from components.errors import UsageFailure
from components.metadata.override import Override, describe_override, read_override
from components.metadata.pushes import MANUAL_BLESSING, read_making
from components.metadata.records import Artifact, format_time
from components.metadata.rollback import RollbackRecord, describe_rollback, is_rollback, read_rollback
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from components.pusher.versions import find_versions
from pipeline.config import locate_serving_dir
from pipeline.inspection.layout import print_sentences, print_table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lineage:
    """A pushed version and everything that it was made from; keys are those of `inspect lineage --json`."""

    version: str
    destination: str
    run_id: str | None  # that pushed it
    pushed_at: str  # local time
    artifacts: tuple[ArtifactRecord, ...]  # that it was made from; the result of a step comes after what it read
    data_digest: str | None  # SHA-256 of the dataset's records
    override: Override | None  # the manual blessing that allowed the push
    rollback: RollbackRecord | None  # that brought it back as a copy of an older one
    served_version: str | None  # the newest one on disk


def read_lineage(root: Root, *, run_id: str | None, version: str | None) -> Lineage:
    """Walks from a pushed version back to the data.

    Args:
        root: The pipeline root.
        run_id: Of the run that pushed it; None: any.
        version: None: the version that is served, or the newest if none is.

    Raises:
        UsageFailure: If no such version was pushed.
    """
    records = root.records
    served = max(find_versions(locate_serving_dir(root.path)), default=None)
    served_version = None if served is None else str(served)
    pushed = _find_pushed(root, run_id, version, served_version)
    pusher = records.find_maker(pushed)
    assert pusher is not None
    making = read_making(records, [artifact.id for artifact, _ in records.list_inputs(pusher)])
    manual_blessing = records.artifacts.get(pushed.custom_properties[MANUAL_BLESSING].int_value)
    blesser = records.find_maker(manual_blessing) if manual_blessing else None
    return Lineage(
        version=pushed.custom_properties["pushed_version"].string_value,
        destination=pushed.custom_properties["pushed_destination"].string_value,
        run_id=next(iter(records.runs_of(pusher)), None),
        pushed_at=format_time(pusher.last_update_time_since_epoch / 1000),
        artifacts=making.lineage,
        data_digest=making.data_digest,
        override=read_override(blesser) if blesser else None,
        rollback=read_rollback(pusher) if is_rollback(records, pusher) else None,
        served_version=served_version,
    )


def show_lineage(console: Console, lineage: Lineage) -> None:
    """Shows the version, a row for each artifact behind it, and the digest of the data."""
    run = f" by run {shorten(lineage.run_id)}" if lineage.run_id else ""
    sentences = [f"Version {lineage.version} was pushed on {lineage.pushed_at}{run} to {lineage.destination}."]
    if lineage.rollback:
        sentences.append(describe_rollback(lineage.rollback))
    if lineage.served_version:
        is_served = lineage.served_version == lineage.version
        sentences.append("It is served now." if is_served else f"Served now is version {lineage.served_version}.")
    for sentence in sentences:
        console.print(sentence, markup=False, highlight=False)
    rows = [
        (str(each.id), each.kind, shorten(each.run_id), each.folder, ", ".join(map(str, each.sources)) or None)
        for each in lineage.artifacts
    ]
    columns = ("id", "artifact", "in run", "folder", "from")
    print_table(console, columns, rows, words=columns[1:])
    if lineage.data_digest:
        print_sentences(console, "Digest of the data", [lineage.data_digest])
    if lineage.override:
        print_sentences(console, "Override", [describe_override(lineage.override)])


def _find_pushed(root: Root, run_id: str | None, version: str | None, served: str | None) -> Artifact:
    candidates: Iterable[Artifact | None] = root.records.artifacts.values()
    if run_id is not None:
        record = RunRecord(root, run_id)
        record.require("pushed version", record.pushed_version)
        candidates = [record.find_output("pushed_model")]
    pushes = [each for each in candidates if each and each.custom_properties["pushed"].int_value == 1]
    versions = {each.custom_properties["pushed_version"].string_value: each for each in pushes}
    if not versions:
        raise UsageFailure(f"{root.path} has no pushed version yet; see `inspect` for the reason.")
    if version is not None and version not in versions:
        raise UsageFailure(f"{root.path} has no pushed version {version!r}; choose one of {', '.join(versions)}.")
    newest = max(pushes, key=lambda each: each.id)
    return versions[version] if version else versions.get(served or "", newest)
