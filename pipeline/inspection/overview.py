"""Shows one run: steps, data, search, metrics and verdict."""

import dataclasses
from typing import Any

from rich.console import Console
from rich.text import Text

from components.artifacts.lite_comparison import LiteComparison
from components.artifacts.search_results import Point, SearchResults, find_front
from components.artifacts.serving_findings import ServingFindings
from components.artifacts.verdict import Verdict
from components.metadata.override import Override, describe_override
from components.metadata.records import format_time
from components.metadata.rollback import RollbackRecord, describe_rollback
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord, RunState, StepOutcome
from pipeline.inspection.anomalies import read_anomalies
from pipeline.inspection.judgment import show_metrics, show_serving, show_verdict
from pipeline.inspection.layout import format_mmacs, format_seconds, format_share, print_sentences, print_table
from pipeline.inspection.lite import show_lite
from pipeline.rejections import describe_rejection, is_rejected


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchFacts:
    """The results of the search."""

    winner: dict[str, Any]  # as in winner.json, without its epochs
    sentences: list[str]
    points: list[Point]  # each after its longest training; longest trained first, then most accurate first
    front: list[str]  # of the longest trained points, those that none is as accurate as that costs as much or less


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """One run; keys are those of `tokenlearner inspect --json`."""

    run_id: str
    began: str  # local time
    state: RunState
    last_step: str | None  # where it is or stopped
    pushed_version: str | None
    steps: tuple[StepOutcome, ...]
    anomalies: list[str] | None  # None: not validated yet
    search: SearchFacts | None
    verdict: Verdict | None
    overrides: list[Override]
    serving: ServingFindings | None  # None: not checked
    not_pushed_because: str | None  # a clause; None: pushed, or not decided yet
    rollbacks: list[RollbackRecord]  # to and from the pushed version
    lite: LiteComparison | None


def read_overview(root: Root, run_id: str) -> Overview:
    """Reads everything that the steps of a run have left so far."""
    record = RunRecord(root, run_id)
    facts: dict[str, Any] = {"anomalies": read_anomalies(record), "search": _read_search(record)}
    facts["began"] = format_time(record.began)
    names = [field.name for field in dataclasses.fields(Overview) if field.name not in facts]
    return Overview(**facts, **{name: getattr(record, name) for name in names})


def show_overview(console: Console, overview: Overview) -> None:
    """Shows the parts of a run that it has reached."""
    words = Text.assemble((f"Run {shorten(overview.run_id)}", "bold"), f": {_describe_state(overview)}.")
    console.print(words, highlight=False)
    steps = [(step.name, step.state, format_seconds(step.seconds)) for step in overview.steps]
    print_table(console, ("step", "state", "seconds"), steps, words=("step", "state"))
    if overview.anomalies is not None:
        print_sentences(console, "Data", overview.anomalies or ["No anomalies."])
    if overview.search:
        _show_search(console, overview.search)
    if overview.verdict:
        show_metrics(console, overview.verdict)
        show_verdict(console, overview.verdict, _list_notes(overview))
    if overview.serving:
        show_serving(console, overview.serving)
    print_sentences(console, "Rolled back", [describe_rollback(rollback) for rollback in overview.rollbacks])
    if overview.lite:
        show_lite(console, overview.lite)


def _describe_state(overview: Overview) -> str:
    """Describes how a run ended, or where it is."""
    is_overridden, reason = bool(overview.overrides), overview.not_pushed_because
    rejection = describe_rejection(overview.verdict, overview.serving, reason, is_overridden=is_overridden)
    descriptions: dict[RunState, str] = {
        "pushed": f"pushed as version {overview.pushed_version}",
        "not pushed": f"not pushed{rejection}",
        "failed": f"failed in {overview.last_step}; see the newest file in logs/",
        "interrupted": f"interrupted in {overview.last_step}; the same command resumes it",
        "in progress": f"in progress, in {overview.last_step}; below are its results so far",
    }
    return descriptions[overview.state]


def _list_notes(overview: Overview) -> list[str]:
    notes = [describe_override(override) for override in overview.overrides]
    if notes and overview.state == "not pushed" and not is_rejected(overview.serving):
        notes.append("The same `tokenlearner run` pushes it.")
    return notes


def _read_search(record: RunRecord) -> SearchFacts | None:
    if not record.winner or not record.search:
        return None
    tried = SearchResults(trials=record.trials, search=record.search, winner=record.winner).points
    longest = {point.name: point for point in sorted(tried, key=lambda point: point.epochs)}
    most = max(point.epochs for point in tried)
    return SearchFacts(
        winner={key: value for key, value in record.winner.describe().items() if key != "epochs"},
        sentences=list(record.search.sentences),
        points=sorted(longest.values(), key=lambda point: (-point.epochs, -point.accuracy)),
        front=[point.name for point in find_front(point for point in tried if point.epochs == most)],
    )


def _show_search(console: Console, search: SearchFacts) -> None:
    rows = [
        (
            f"{point.name} (winner)" if point.name == search.winner["point"] else point.name,
            format_mmacs(point.macs),
            str(point.epochs),
            str(len(point.accuracies)),
            format_share(point.accuracy),
            "yes" if point.name in search.front else None,
        )
        for point in search.points
    ]
    columns = ("point", "million MACs", "epochs", "seeds", "valid", "on front")
    print_table(console, columns, rows, words=("point",), title="Search")
    fit = "After the final fit, {point} is right on {valid_accuracy:.1%} of {valid_images:,} validation images."
    print_sentences(console, "Why it won", [*search.sentences, fit.format(**search.winner)])
