"""`tokenlearner versions list` and `versions verify`: the pushed versions as text and for JSON."""

import datetime
from typing import Any

from rich.console import Console

from components.pusher.integrity import NO_MANIFEST
from pipeline.inspection.layout import format_mmacs, format_share, print_table
from pipeline.versions.pushed import PushedVersion


def describe_version(pushed: PushedVersion) -> dict[str, Any]:
    """Returns what `versions list --json` prints; None: the manifest is missing or changed."""
    manifest = pushed.manifest
    return {
        "version": pushed.version,
        "run_id": manifest and manifest.run_id,
        "pushed_at": manifest and manifest.pushed_at,
        "point": manifest and manifest.model.point,
        "macs": manifest and manifest.model.macs,
        "parameters": manifest and manifest.model.parameters,
        "test_accuracy": manifest and manifest.metrics.accuracy,
        "is_served": pushed.is_served,
        "is_baseline": pushed.is_baseline,
        "is_whole": pushed.is_whole,
        "integrity_errors": pushed.integrity_errors,
        "rollback": manifest and manifest.rollback,
    }


def describe_verification(pushed: PushedVersion) -> dict[str, Any]:
    """Returns what `versions verify --json` prints; None: the manifest is missing or changed."""
    files = pushed.manifest and pushed.manifest.files.values()
    return {
        "version": pushed.version,
        "is_whole": pushed.is_whole,
        "files": files and len(files),
        "size_bytes": files and sum(file.size_bytes for file in files),
        "integrity_errors": pushed.integrity_errors,
    }


def show_versions(console: Console, versions: list[PushedVersion]) -> None:
    """Shows a line for each version, and below them rollbacks and integrity errors."""
    columns = ("version", "pushed", "model", "MMACs", "test", "state")
    print_table(console, columns, [_make_row(each) for each in versions], words=("pushed", "model", "state"))
    for each in versions:
        rollback = each.manifest and each.manifest.rollback
        if rollback:
            reason = f": {rollback.reason.rstrip('.')}" if rollback.reason else ""
            source = f"a copy of {rollback.copy_of}, rolled back from {rollback.rolled_back_from} by {rollback.who}"
            console.out(f"Version {each.version}: {source}{reason}.", highlight=False)
        for error in each.integrity_errors:
            console.out(f"Version {each.version}: {error}.", highlight=False)


def show_verification(console: Console, versions: list[PushedVersion]) -> None:
    """Prints of each version that it is intact, or its integrity errors."""
    for each in versions:
        for error in each.integrity_errors:
            console.out(f"Version {each.version}: {error}.", highlight=False)
        if each.manifest and each.is_whole:
            console.out(f"Version {each.version}: intact, {each.manifest.size}.", highlight=False)
    damaged = [str(each.version) for each in versions if not each.is_whole]
    if damaged:
        advice = "`tokenlearner versions rollback VERSION` serves an intact one; a run pushes the newest again"
        console.out(f"Damaged: {', '.join(damaged)}; {advice}.", highlight=False)


def _make_row(pushed: PushedVersion) -> tuple[str | None, ...]:
    states = ["served"] if pushed.is_served else []
    states += ["baseline"] if pushed.is_baseline else []
    has_manifest = [error.message for error in pushed.integrity_errors] != [NO_MANIFEST]
    states.append("intact" if pushed.is_whole else "damaged" if has_manifest else "no manifest")
    cells: list[str | None] = [None] * 4
    if manifest := pushed.manifest:
        pushed_at = datetime.datetime.fromisoformat(manifest.pushed_at).astimezone()
        cells = [f"{pushed_at:%Y-%m-%d %H:%M}", manifest.model.point]
        cells += [format_mmacs(manifest.model.macs), format_share(manifest.metrics.accuracy.value)]
    return (str(pushed.version), *cells, ", ".join(states))
