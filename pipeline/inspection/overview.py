"""One run at a glance: steps, data, search, metrics and verdict."""

import dataclasses
from typing import Any

from rich.console import Console
from rich.text import Text

from components.artifacts.lite_comparison import LiteComparison
from components.artifacts.search_results import SearchResults, find_front
from components.artifacts.serving_findings import ServingFindings
from components.artifacts.verdict import Verdict
from components.metadata.override import Override, describe_override
from components.metadata.records import format_time
from components.metadata.rollback import RollbackRecord, describe_rollback
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord, RunState, StepOutcome
from pipeline.inspection.anomalies import read_anomalies
from pipeline.inspection.judgment import show_gate, show_metrics
from pipeline.inspection.layout import format_mmacs, format_seconds, format_share, print_sentences, print_table
from pipeline.inspection.lite import show_lite
from pipeline.inspection.serving import show_serving
from pipeline.rejections import describe_rejection, is_rejected


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """A point of the search after its longest training."""

    point: str
    macs: int
    epochs: int
    valid_accuracy: float  # mean over the seeds, 0..1
    seeds: int
    is_winner: bool
    is_on_front: bool  # no point that cost as much or less was as accurate after as many epochs


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchFacts:
    """What the search found."""

    winner: dict[str, Any]  # as in winner.json, without its epochs
    sentences: list[str]
    points: list[Point]  # longest trained first, then most accurate first


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """One run; keys are those of `tokenlearner inspect --json`."""

    run_id: str
    began: str  # local time
    state: RunState
    last_step: str | None  # where it is or stopped
    pushed_version: str | None
    steps: tuple[StepOutcome, ...]
    anomalies: list[str] | None  # None: not looked at
    search: SearchFacts | None
    verdict: Verdict | None
    overrides: list[Override]
    serving: ServingFindings | None  # None: it was not asked to serve
    not_pushed_because: str | None  # a clause; None: pushed, or not come so far
    rollbacks: list[RollbackRecord]  # to and from the pushed version
    lite: LiteComparison | None


def read_overview(root: Root, run_id: str) -> Overview:
    """Reads everything about a run that its steps have left so far."""
    record = RunRecord(root, run_id)
    return Overview(
        run_id=run_id,
        began=format_time(record.began),
        state=record.state,
        last_step=record.last_step,
        pushed_version=record.pushed_version,
        steps=record.steps,
        anomalies=read_anomalies(record),
        search=_read_search(record),
        verdict=record.verdict,
        overrides=record.overrides,
        serving=record.serving,
        not_pushed_because=record.not_pushed_because,
        rollbacks=record.rollbacks,
        lite=record.lite,
    )


def show_overview(console: Console, overview: Overview) -> None:
    """Shows a run as a person reads it."""
    words = Text.assemble((f"Run {shorten(overview.run_id)}", "bold"), f": {describe_state(overview)}.")
    console.print(words, highlight=False)
    steps = [(step.name, step.state, format_seconds(step.seconds)) for step in overview.steps]
    print_table(console, ("step", "state", "seconds"), steps, words=("step", "state"))
    if overview.anomalies is not None:
        print_sentences(console, "Data", overview.anomalies or ["No anomalies."])
    if overview.search:
        _show_search(console, overview.search)
    if overview.verdict:
        show_metrics(console, overview.verdict)
        show_gate(console, overview.verdict, _list_notes(overview))
    if overview.serving:
        show_serving(console, overview.serving)
    if overview.rollbacks:
        print_sentences(console, "Rolled back", [describe_rollback(rollback) for rollback in overview.rollbacks])
    if overview.lite:
        show_lite(console, overview.lite)


def describe_state(overview: Overview) -> str:
    """Says how a run ended, or where it is."""
    match overview.state:
        case "pushed":
            return f"pushed as version {overview.pushed_version}"
        case "not pushed":
            withheld, is_overridden = overview.not_pushed_because, bool(overview.overrides)
            rejection = describe_rejection(overview.verdict, overview.serving, withheld, is_overridden=is_overridden)
            return f"not pushed{rejection}"
        case "failed":
            failed = ", ".join(step.name for step in overview.steps if step.state == "failed")
            return f"failed in {failed}; the newest file in logs/ tells more"
        case "interrupted":
            return f"interrupted in {overview.last_step}; the same command goes on from there"
        case _:
            return f"in progress, in {overview.last_step}; below is what there is so far"


def _list_notes(overview: Overview) -> list[str]:
    notes = [describe_override(override) for override in overview.overrides]
    if notes and overview.state == "not pushed" and not is_rejected(overview.serving):
        notes.append("The same `tokenlearner run` pushes it.")
    return notes


def _read_search(record: RunRecord) -> SearchFacts | None:
    if not record.winner or not record.search:
        return None
    points = SearchResults(trials=record.trials, search=record.search, winner=record.winner).points
    longest: dict[str, Point] = {}
    for epochs in sorted({point.epochs for point in points}):
        rung = [point for point in points if point.epochs == epochs]
        front = find_front(rung)
        for point in rung:
            longest[point.name] = Point(
                point=point.name,
                macs=point.macs,
                epochs=epochs,
                valid_accuracy=point.accuracy,
                seeds=len(point.accuracies),
                is_winner=point.name == record.search.winner,
                is_on_front=point in front,
            )
    return SearchFacts(
        winner={key: value for key, value in record.winner.describe().items() if key != "epochs"},
        sentences=list(record.search.sentences),
        points=sorted(longest.values(), key=lambda point: (-point.epochs, -point.valid_accuracy)),
    )


def _show_search(console: Console, search: SearchFacts) -> None:
    rows = [
        (
            point.point + (" (winner)" if point.is_winner else ""),
            format_mmacs(point.macs),
            str(point.epochs),
            str(point.seeds),
            format_share(point.valid_accuracy),
            "yes" if point.is_on_front else None,
        )
        for point in search.points
    ]
    columns = ("point", "million MACs", "epochs", "seeds", "valid", "on front")
    print_table(console, columns, rows, words=("point",), title="Search")
    winner = search.winner
    fit = f"Trained to the end, {winner['point']} reaches {winner['valid_accuracy']:.1%} on {winner['valid_images']:,} "
    print_sentences(console, "Why it won", [*search.sentences, f"{fit}validation images."])
