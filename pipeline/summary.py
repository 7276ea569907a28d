"""The end of a run: its answer in one sentence, a table, and what to do next."""

import pathlib

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.artifacts.answer import describe_answer, name_tokens
from components.artifacts.verdict import Measure
from components.evaluator.intervals import measure_share
from components.metadata.override import describe_override
from components.metadata.root import shorten
from components.metadata.run_record import RunRecord
from components.report.sources import PAGE_FILE
from pipeline.rejections import describe_rejection


def print_run(console: Console, run: RunRecord, *, options: str = "") -> None:
    """Prints the end of a run that reached the Pusher.

    Args:
        console: Where.
        run: What it did.
        options: Of the suggested commands, such as "--profile full"; empty for the profile `quick`.
    """
    assert run.search
    console.print(Text(f"\n{describe_answer(run.search)}\n", style="bold"), highlight=False)
    console.print(_tabulate(run))
    if report := run.find_output("report", step="Report"):
        page, here = pathlib.Path(report.uri, PAGE_FILE), pathlib.Path.cwd()
        console.out(f"Report: {page.relative_to(here) if page.is_relative_to(here) else page}", highlight=False)
    console.out("Next:")
    suggested = {f"tokenlearner {command} {options}".strip(): purpose for command, purpose in _suggest(run)}
    for command, purpose in suggested.items():
        console.out(f"  {command:<{max(map(len, suggested))}}  # {purpose}", highlight=False)


def _suggest(run: RunRecord) -> list[tuple[str, str]]:
    """Suggests three commands, each with its purpose."""
    commands = [("report", "open the report"), ("inspect", "show the search, the metrics and each check")]
    if run.pushed_version:
        return [*commands, ("predict FOLDER_OR_IMAGE", "classify images of yours")]
    if run.verdict and not run.verdict.is_blessed and not run.overrides:
        return [
            *commands,
            (f'bless --run {shorten(run.run_id)} --reason "…"', "push it nevertheless with the next run"),
        ]
    return [*commands, ("versions list", "show the versions that were pushed before")]


def _tabulate(run: RunRecord) -> Table:
    winner, verdict = run.winner, run.verdict
    assert winner
    assert verdict
    facts = Table(box=rich.box.SIMPLE_HEAD, show_header=False, title=f"run {run.run_id}", title_justify="left")

    def add(name: str, text: str) -> None:
        facts.add_row(name, Text(text))  # people write reasons and names: no markup

    add("winner", f"{winner.point} ({name_tokens(winner.point)}, {winner.network.depth} blocks)")
    if run.duplicates and run.duplicates.groups:
        where = f"; all of them are listed in {run.duplicates.folder}" if run.duplicates.folder else ""
        add("duplicates", f"{run.duplicates.summarize()}{where}")
    correct = round(winner.valid_accuracy * winner.valid_images)
    add("valid accuracy", format_accuracy(measure_share(correct, winner.valid_images), winner.valid_images))
    overall = verdict.candidate.overall
    add("test accuracy", format_accuracy(overall.accuracy, verdict.candidate.images))
    add("", f"balanced accuracy {overall.balanced_accuracy.value:.1%}, macro F1 {overall.macro_f1.value:.1%}")
    paired = verdict.paired
    add("baseline", f"{paired.describe()} against the last blessed model, on the same images" if paired else "none")
    add(
        "compute",
        f"{winner.macs.total / 1e6:.2f} million multiply-accumulates an image, {winner.parameters:,} parameters",
    )
    notes = [verdict.note] if verdict.note else []
    add("blessed", "\n".join(["yes" if verdict.is_blessed else "no", *verdict.reasons, *notes]))
    if run.overrides and not verdict.is_blessed:
        add("", describe_override(run.overrides[-1]))
    if run.serving:
        add("serves", "\n".join(["yes" if run.serving.is_blessed else "no", *run.serving.reasons]))
    rejection = describe_rejection(verdict, run.serving, run.not_pushed_because, is_overridden=bool(run.overrides))
    add("pushed", f"version {run.pushed_version}" if run.pushed_version else f"no{rejection}")
    return facts


def format_accuracy(accuracy: Measure, images: int) -> str:
    """Formats an accuracy with its interval."""
    interval = f"{accuracy.low:.1%} to {accuracy.high:.1%} with 95% confidence"
    return f"{accuracy.value:.1%} ({interval}, {images:,} images)"
