"""Formats tables and numbers within 80 columns."""

from collections.abc import Callable, Iterable, Sequence

import rich.box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components.artifacts.verdict import Measure, Paired

Cell = str | None  # None: does not apply


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    words: Sequence[str] = (),
    title: str = "",
) -> None:
    """Prints a table; numbers are never broken.

    Args:
        console: Where.
        columns: Their headings.
        rows: A cell for each column.
        words: The columns with text, which is left-aligned and may be broken; the others contain numbers.
        title: Above it.
    """
    if title:
        console.print(Text(title, style="bold"))
    table = Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        is_words = column in words
        table.add_column(column, justify="left" if is_words else "right", overflow="fold", no_wrap=not is_words)
    for row in rows:
        table.add_row(*(Text("-" if cell is None else cell) for cell in row))
    console.print(table)
    console.print()


def print_sentences(console: Console, title: str, sentences: Sequence[str]) -> None:
    """Prints a heading and below it each sentence on its own line; nothing if there are none."""
    if sentences:
        indented = [Padding(Text(each), (0, 0, 0, 2), expand=False) for each in sentences]
        console.print(Text(title, style="bold"), *indented)
        console.print()


def format_share(share: float | None) -> Cell:
    """Formats a share of 1 as percent."""
    return None if share is None else f"{share:.1%}"


def format_mmacs(macs: int | float | None) -> Cell:
    """Formats multiply-accumulates in millions."""
    return None if macs is None else f"{macs / 1e6:.2f}"


def format_seconds(seconds: float | None) -> Cell:
    """Formats a duration."""
    return None if seconds is None else f"{seconds:,.1f}"


def format_points(share: float) -> str:
    """Formats a difference of shares in points."""
    return f"{100 * share:+.1f}"


def format_measure(measure: Measure | None, form: Callable[[float], str] = "{:.1%}".format) -> Cell:
    """Formats a number with its 95% interval."""
    if measure is None:
        return None
    return f"{form(measure.value)} ({form(measure.low)} to {form(measure.high)})"


def describe_paired(paired: Paired, candidate: str, baseline: str) -> str:
    """Describes how two models, whose names are given, compare on the same images."""
    difference, low, high = map(format_points, (paired.difference, paired.low, paired.high))
    return (
        f"the {candidate} is {difference} points from the {baseline} (95%: {low} to {high}; exact McNemar p = "
        f"{paired.p_value:.2g}): only the {candidate} is right on {paired.only_candidate_right:,}, only the {baseline} "
        f"on {paired.only_baseline_right:,}."
    )
