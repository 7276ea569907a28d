"""How tables and numbers look; everything fits 80 columns."""

from collections.abc import Iterable, Sequence

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.artifacts.verdict import Measure

Cell = str | None
NOTHING = "-"  # a cell that does not apply


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
        rows: A cell for each column; None does not apply.
        words: The columns that hold words, which may be broken and stand on the left; the others hold numbers.
        title: Above it.
    """
    if title:
        console.print(Text(title, style="bold"))
    table = Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        if column in words:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(NOTHING if cell is None else cell) for cell in row))
    console.print(table)
    console.print()


def print_sentences(console: Console, title: str, sentences: Iterable[str]) -> None:
    """Prints a heading and a sentence a line below it."""
    console.print(Text(title, style="bold"))
    for sentence in sentences:
        table = Table.grid(padding=(0, 1))
        table.add_row(" ", Text(sentence))
        console.print(table)
    console.print()


def format_share(share: float | None) -> Cell:
    """Formats a share of 1 as per cent."""
    return None if share is None else f"{share:.1%}"


def format_mmacs(macs: int | float | None) -> Cell:
    """Formats multiply-accumulates in millions."""
    return None if macs is None else f"{macs / 1e6:.2f}"


def format_seconds(seconds: float | None) -> Cell:
    """Formats a duration."""
    return None if seconds is None else f"{seconds:,.1f}"


def format_measure(measure: Measure | None, *, is_share: bool = True) -> Cell:
    """Formats a number with its 95 % interval."""
    if measure is None:
        return None
    numbers = (measure.value, measure.low, measure.high)
    value, low, high = (f"{number:.1%}" if is_share else f"{number:.3f}" for number in numbers)
    return f"{value} ({low} to {high})"


def format_points(share: float) -> str:
    """Formats a difference of shares in points."""
    return f"{100 * share:+.1f}"
