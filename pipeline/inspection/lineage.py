"""Where a pushed version came from: every artifact behind it, by the events of ML Metadata."""

import dataclasses
from collections.abc import Iterator

from rich.console import Console

from components.errors import UsageFailure
from components.metadata.override import Override, describe_override, read_override
from components.metadata.pushes import MANUAL_BLESSING
from components.metadata.records import Ancestor, Artifact, Execution, Records, format_time
from components.metadata.rollback import RollbackRecord, describe_rollback, is_rollback, read_rollback
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from components.pusher.versions import find_versions
from pipeline.config import locate_serving_dir
from pipeline.inspection.layout import print_sentences, print_table

_LONGEST_VALUE = 200  # characters of an execution property that are shown; texts of files are longer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """One artifact behind a pushed version, and what made it."""

    artifact_id: int
    key: str  # under which it was read, such as "transform_graph" or "baseline_model"
    type: str  # of ML Metadata
    uri: str
    made_by: str  # step
    made_in_run: str | None
    made_at: str  # local time
    made_from: list[int]  # ids of the artifacts that its maker read
    properties: dict[str, str | int | float]  # of its maker, such as a source digest; long texts are left out


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lineage:
    """A pushed version and everything behind it; keys are those of `inspect lineage --json`."""

    version: str
    destination: str
    run_id: str | None  # that pushed it
    pushed_at: str  # local time
    origins: list[Origin]  # a maker's artifacts come after those that it read
    override: Override | None  # the blessing by hand that let it pass
    rollback: RollbackRecord | None  # that brought it back as a copy of an older one
    served_version: str | None  # the newest one on the disk; None: none is there


def read_lineage(root: Root, *, run_id: str | None, version: str | None) -> Lineage:
    """Walks from a pushed version to the data.

    Args:
        root: That holds it.
        run_id: That pushed it; None: any.
        version: None: the one that is served, or the newest where nothing is.

    Raises:
        UsageFailure: If no such version was pushed.
    """
    records = root.records
    pushed = _find_pushed(root, run_id, version)
    pusher = records.find_maker(pushed)
    assert pusher is not None
    ancestors = sorted(records.walk_back(records.list_inputs(pusher)), key=lambda ancestor: ancestor.artifact.id)
    manual_blessing = records.artifacts.get(pushed.custom_properties[MANUAL_BLESSING].int_value)
    blesser = records.find_maker(manual_blessing) if manual_blessing else None
    return Lineage(
        version=pushed.custom_properties["pushed_version"].string_value,
        destination=pushed.custom_properties["pushed_destination"].string_value,
        run_id=next(iter(records.runs_of(pusher)), None),
        pushed_at=format_time(pusher.last_update_time_since_epoch / 1000),
        origins=[_describe(records, ancestor) for ancestor in ancestors],
        override=read_override(blesser) if blesser else None,
        rollback=read_rollback(pusher) if is_rollback(records, pusher) else None,
        served_version=_find_served(root),
    )


def show_lineage(console: Console, lineage: Lineage) -> None:
    """Shows a line for each artifact behind the version, and the properties of what made the data."""
    run = f" by run {shorten(lineage.run_id)}" if lineage.run_id else ""
    sentence = f"Version {lineage.version} was pushed on {lineage.pushed_at}{run} to {lineage.destination}."
    console.print(sentence, markup=False, highlight=False)
    _show_served(console, lineage)
    rows = [
        (
            str(origin.artifact_id),
            origin.key,
            origin.made_by,
            shorten(origin.made_in_run) if origin.made_in_run else None,
            ", ".join(str(each) for each in origin.made_from) or None,
        )
        for origin in lineage.origins
    ]
    columns = ("id", "artifact", "made by", "in run", "from")
    print_table(console, columns, rows, words=("artifact", "made by", "in run", "from"))
    for origin in lineage.origins:
        facts = [f"{name} {value}" for name, value in origin.properties.items()] if not origin.made_from else []
        print_sentences(console, f"{origin.artifact_id} {origin.key}", [origin.uri, *facts])
    if lineage.override:
        print_sentences(console, "Override", [describe_override(lineage.override)])


def _show_served(console: Console, lineage: Lineage) -> None:
    """Says how the version came back, and which one is served now."""
    sentences = [describe_rollback(lineage.rollback)] if lineage.rollback else []
    if lineage.served_version == lineage.version:
        sentences.append("It is served now.")
    elif lineage.served_version:
        sentences.append(f"Served now is version {lineage.served_version}.")
    for sentence in sentences:
        console.print(sentence, markup=False, highlight=False)


def _find_served(root: Root) -> str | None:
    versions = find_versions(locate_serving_dir(root.path))
    return str(max(versions)) if versions else None


def _find_pushed(root: Root, run_id: str | None, version: str | None) -> Artifact:
    if run_id is not None:
        record = RunRecord(root, run_id)
        record.require("pushed version", record.pushed_version)
    candidates = [RunRecord(root, run_id).find_output("pushed_model")] if run_id else root.records.artifacts.values()
    pushed = [each for each in candidates if each and each.custom_properties["pushed"].int_value == 1]
    if not pushed:
        raise UsageFailure(
            f"{root.path} holds no pushed version yet; `inspect` tells why the latest run was not pushed."
        )
    versions = {each.custom_properties["pushed_version"].string_value: each for each in pushed}
    if version is not None and version not in versions:
        raise UsageFailure(f"{root.path} holds no pushed version {version!r}; there are {', '.join(versions)}.")
    newest = max(pushed, key=lambda each: each.id)
    return versions[version] if version else versions.get(_find_served(root) or "", newest)


def _describe(records: Records, ancestor: Ancestor) -> Origin:
    maker = ancestor.maker
    return Origin(
        artifact_id=ancestor.artifact.id,
        key=ancestor.key,
        type=ancestor.artifact.type.rpartition(".")[2],
        uri=ancestor.artifact.uri,
        made_by=records.name_step(maker),
        made_in_run=next(iter(records.runs_of(maker)), None),
        made_at=format_time(maker.last_update_time_since_epoch / 1000),
        made_from=list(ancestor.sources),
        properties=dict(_read_properties(maker)),
    )


def _read_properties(execution: Execution) -> Iterator[tuple[str, str | int | float]]:
    for name, value in sorted(execution.custom_properties.items()):
        content = getattr(value, value.WhichOneof("value") or "string_value")
        if isinstance(content, str | int | float) and len(str(content)) <= _LONGEST_VALUE:
            yield name, content
