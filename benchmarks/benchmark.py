"""A benchmark: its short form, which prints, and its long form, which also leaves a result file."""

import dataclasses
import json
import pathlib
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import rich.table
import tyro
from rich.console import Console

from benchmarks.circumstances import look_around
from benchmarks.result import FOLDER, Result, Row, Summary, Table, Target, write_result
from components.errors import Failure

LONG_FORM = "--full"
TARGET_COLUMNS = ("what", "floor", "aim", "measured", "reached")

_WIDTH = 120  # characters, where there is no terminal

Effort = TypeVar("Effort")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Benchmark(Generic[Effort]):
    """What is measured, and what follows from it."""

    name: str  # of its module
    short: Effort  # a frozen dataclass whose fields the command line may override
    full: Effort
    seeds: tuple[int, ...]  # of whatever it draws; empty: nothing is drawn
    measure: Callable[[Effort], list[Row]]
    summarize: Callable[[Sequence[Row]], Summary]  # pure: what a file holds gives the same again


def run(benchmark: Benchmark[Effort], arguments: Sequence[str], folder: pathlib.Path = FOLDER) -> Result:
    """Measures, and prints the tables; in the long form writes the result file, too.

    Args:
        benchmark: What is measured.
        arguments: Of the command line; `--full` makes it the long form.
        folder: Of result files.

    Returns:
        The result.

    Raises:
        Failure: If there is nothing to measure on.
    """
    is_full = LONG_FORM in arguments
    program = f"python -m benchmarks.{benchmark.name}{f' {LONG_FORM}' * is_full}"
    effort = tyro.cli(
        type(benchmark.short),
        args=[argument for argument in arguments if argument != LONG_FORM],
        default=benchmark.full if is_full else benchmark.short,
        prog=program,
    )
    circumstances = look_around()
    rows = json.loads(json.dumps(benchmark.measure(effort)))  # as whoever reads the file will find them
    result = Result(
        name=benchmark.name,
        command=f"python -m benchmarks.{shlex.join([benchmark.name, *arguments])}",
        circumstances=circumstances,
        seeds=benchmark.seeds,
        rows=tuple(rows),
        summary=benchmark.summarize(rows),
    )
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    _show(result.summary, console, with_targets=is_full)
    if is_full:
        console.print(f"Wrote {write_result(result, folder)}.", markup=False, highlight=False, soft_wrap=True)
    return result


def main(benchmark: Benchmark[Effort]) -> None:
    """Runs a benchmark as the command line says; a failure is told in one sentence."""
    try:
        run(benchmark, sys.argv[1:])
    except Failure as failure:
        print(f"benchmarks.{benchmark.name}: {failure}", file=sys.stderr)
        sys.exit(failure.exit_code)


def tabulate_targets(targets: Sequence[Target]) -> Table:
    """Makes one table of what was asked for and what was measured."""
    rows = tuple((each.what, each.floor, each.aim, each.measured, each.reached) for each in targets)
    return Table(title="Asked for, and measured", columns=TARGET_COLUMNS, rows=rows)


def _show(summary: Summary, console: Console, *, with_targets: bool) -> None:
    targets = (tabulate_targets(summary.targets),) if summary.targets and with_targets else ()
    for table in (*summary.tables, *targets):
        shown = rich.table.Table(*table.columns, title=table.title, title_justify="left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown, markup=False)
    for note in summary.notes:
        console.print(note, markup=False, highlight=False)
