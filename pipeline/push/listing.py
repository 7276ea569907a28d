"""`tokenlearner push list`: a line for each version that is there."""

import dataclasses
import datetime

from rich.console import Console

from components.artifacts.verdict import Measure
from components.pusher.faults import NO_MANIFEST, Fault
from components.pusher.manifest import Rollback
from pipeline.inspection.layout import format_mmacs, format_share, print_table
from pipeline.push.pushed import PushedVersion


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionFacts:
    """A version as its manifest tells it; keys are those of `push list --json`. None: the manifest does not tell."""

    version: int
    run_id: str | None
    pushed_at: str | None  # UTC, ISO 8601
    point: str | None  # such as "token_learner-8@2"
    macs: int | None
    parameters: int | None
    test_accuracy: Measure | None
    is_served: bool
    is_baseline: bool
    is_whole: bool
    faults: tuple[Fault, ...]
    rollback: Rollback | None


def describe_versions(versions: list[PushedVersion]) -> list[VersionFacts]:
    """Takes from each manifest what a list shows."""
    return [_describe(each) for each in versions]


def show_versions(console: Console, versions: list[VersionFacts]) -> None:
    """Shows a line for each version, and below them what is wrong with which, and what was rolled back."""
    rows = [
        (
            str(each.version),
            _format_time(each.pushed_at),
            each.point,
            format_mmacs(each.macs),
            format_share(each.test_accuracy.value if each.test_accuracy else None),
            _describe_state(each),
        )
        for each in versions
    ]
    columns = ("version", "pushed", "model", "MMACs", "test", "state")
    print_table(console, columns, rows, words=("pushed", "model", "state"))
    for each in versions:
        for sentence in (*_describe_rollback(each), *(f"{fault.file} {fault.sentence}" for fault in each.faults)):
            console.print(f"Version {each.version}: {sentence}.", markup=False, highlight=False, soft_wrap=True)


def _describe(pushed: PushedVersion) -> VersionFacts:
    manifest = pushed.manifest
    return VersionFacts(
        version=pushed.version,
        run_id=manifest.run_id if manifest else None,
        pushed_at=manifest.pushed_at if manifest else None,
        point=manifest.model.point if manifest else None,
        macs=manifest.model.macs if manifest else None,
        parameters=manifest.model.parameters if manifest else None,
        test_accuracy=manifest.metrics.accuracy if manifest else None,
        is_served=pushed.is_served,
        is_baseline=pushed.is_baseline,
        is_whole=not pushed.faults,
        faults=pushed.faults,
        rollback=manifest.rollback if manifest else None,
    )


def _describe_state(facts: VersionFacts) -> str:
    words = ["served"] if facts.is_served else []
    words += ["baseline"] if facts.is_baseline else []
    has_manifest = [fault.sentence for fault in facts.faults] != [NO_MANIFEST]
    return ", ".join([*words, "whole" if facts.is_whole else "damaged" if has_manifest else "no manifest"])


def _describe_rollback(facts: VersionFacts) -> list[str]:
    if not facts.rollback:
        return []
    back = facts.rollback
    words = f"a copy of {back.copy_of}, rolled back from {back.rolled_back_from} by {back.who}"
    return [f"{words}: {back.reason}".rstrip(".") if back.reason else words]


def _format_time(iso: str | None) -> str | None:
    """Returns a time of a manifest as local time."""
    return f"{datetime.datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}" if iso else None
