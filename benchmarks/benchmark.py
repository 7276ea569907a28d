"""A benchmark: its short form prints tables, its full form also writes a result file."""

import dataclasses
import datetime
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import rich.table
import tyro
from rich.console import Console

from benchmarks.result import FOLDER, Result, Row, Summary, write_result
from components.errors import ExitCode, Failure
from components.report.environment import describe_environment

_FULL = "--full"
_WIDTH = 120  # characters, without a terminal
_PROJECT = pathlib.Path(__file__).parent.parent
_CPU_INFO = pathlib.Path("/proc/cpuinfo")

Effort = TypeVar("Effort")


@dataclasses.dataclass(frozen=True)
class Benchmark(Generic[Effort]):
    """How to measure, and how to summarize."""

    name: str  # of its module
    measure: Callable[[Effort], list[Row]]
    summarize: Callable[[Sequence[Row]], Summary]  # depends on the rows alone
    short: Effort  # a frozen dataclass; its fields are the options of the command line
    full: Effort
    seeds: tuple[int, ...]  # of everything that is drawn at random


def run(benchmark: Benchmark[Effort], arguments: Sequence[str], folder: pathlib.Path = FOLDER) -> Result:
    """Measures and prints the tables; the full form also writes the result file.

    Args:
        benchmark: To run.
        arguments: Of the command line; `--full` selects the full form.
        folder: Of the result files.

    Returns:
        The result.

    Raises:
        Failure: If there is nothing to measure.
    """
    is_full = _FULL in arguments
    options = [argument for argument in arguments if argument != _FULL]
    default = benchmark.full if is_full else benchmark.short
    effort = tyro.cli(type(default), args=options, default=default, prog=f"python -m benchmarks.{benchmark.name}")
    circumstances = describe_circumstances()
    rows = json.loads(json.dumps(benchmark.measure(effort)))  # as a reader of the file will find them
    command = f"python -m benchmarks.{shlex.join([benchmark.name, *arguments])}"
    summary = benchmark.summarize(rows)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
    for table in summary.tables:
        shown = rich.table.Table(*table.columns, title=table.title, title_justify="left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print(*summary.notes, sep="\n")
    result = Result(benchmark.name, command, circumstances, benchmark.seeds, tuple(rows), summary)
    if is_full:
        console.print(f"Wrote {write_result(result, folder)}.", soft_wrap=True)
    return result


def main(benchmark: Benchmark[Effort], arguments: Sequence[str] | None = None) -> ExitCode:
    """Runs a benchmark, by default with the arguments of the command line; a failure is one message."""
    try:
        run(benchmark, sys.argv[1:] if arguments is None else arguments)
    except Failure as failure:
        print(f"benchmarks.{benchmark.name}: {failure}", file=sys.stderr)
        return failure.exit_code
    return ExitCode.OK


def describe_circumstances() -> Row:
    """Describes the sources, the moment, the packages and the machine; called before anything is measured."""
    environment = describe_environment()
    cpu = re.search(r"^model name\s*: (.+)$", _CPU_INFO.read_text() if _CPU_INFO.is_file() else "", re.MULTILINE)
    return {
        "revision": _run_git("rev-parse", "HEAD") or "none",
        "is_dirty": bool(_run_git("status", "--porcelain", "--", ".", ":!benchmarks/results", ":!*.md")),
        "began": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "python": environment.python,
        "versions": environment.packages,
        "machine": {
            "cpu": cpu[1] if cpu else "unknown",
            "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": environment.system,
            "load_average": os.getloadavg(),  # over 1, 5 and 15 minutes
        },
    }


def _run_git(*arguments: str) -> str:
    """Returns the output; "" without git or outside of a repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=_PROJECT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
