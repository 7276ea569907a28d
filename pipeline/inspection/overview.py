"""One run at a glance: steps, data, search, metrics and the gate."""

import dataclasses
from typing import Any

from rich.console import Console
from rich.text import Text

from components.evaluator.verdict import Verdict
from components.lite_converter.comparison import LiteComparison
from components.serving_validator.findings import ServingFindings
from pipeline.inspection.anomalies import read_anomalies
from pipeline.inspection.judgment import show_gate, show_metrics
from pipeline.inspection.layout import format_mmacs, format_seconds, format_share, print_sentences, print_table
from pipeline.inspection.lite import show_lite
from pipeline.inspection.outcome import Outcome, RunState, StepOutcome
from pipeline.inspection.root import Root, shorten
from pipeline.inspection.serving import show_serving
from pipeline.override import Override, describe_override
from pipeline.records import format_time
from pipeline.rejections import describe_rejection, is_rejected
from pipeline.rollback import RollbackRecord, describe_rollback


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
    outcome = Outcome(root, run_id)
    return Overview(
        run_id=run_id,
        began=format_time(outcome.began),
        state=outcome.state,
        last_step=outcome.last_step,
        pushed_version=outcome.pushed_version,
        steps=outcome.steps,
        anomalies=read_anomalies(outcome),
        search=_read_search(outcome),
        verdict=outcome.verdict,
        overrides=outcome.overrides,
        serving=outcome.serving,
        not_pushed_because=outcome.not_pushed_because,
        rollbacks=outcome.rollbacks,
        lite=outcome.lite,
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


def _read_search(outcome: Outcome) -> SearchFacts | None:
    if not outcome.winner or not outcome.search:
        return None
    longest: dict[str, Point] = {}
    for rung in outcome.rungs:  # fewest epochs first
        for point in rung["points"]:
            longest[point["point"]] = Point(
                epochs=rung["epochs"], is_winner=point["point"] == outcome.search["winner"], **point
            )
    return SearchFacts(
        winner={key: value for key, value in outcome.winner.describe().items() if key != "epochs"},
        sentences=outcome.search["sentences"],
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
