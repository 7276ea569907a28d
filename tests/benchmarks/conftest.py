"""A benchmark of nothing, and what it finds."""

import dataclasses
import pathlib
from collections.abc import Sequence

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.circumstances import Circumstances, Machine
from benchmarks.result import Result, Row, Summary, Table, judge_target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How often is counted."""

    rounds: int = 1
    root: pathlib.Path | None = None


def count(effort: Effort) -> list[Row]:
    """Returns a row for each round."""
    return [{"round": number, "speed": 2.0 * number, "pair": (number, 7)} for number in range(1, effort.rounds + 1)]


def summarize(rows: Sequence[Row]) -> Summary:
    """Tells the last speed."""
    speed = rows[-1]["speed"]
    table = Table(title="Speed", columns=("what", "speed"), rows=(("last", f"{speed:.1f}"),))
    target = judge_target("speed", f"{speed:.0f}x", speed, floor=3, aim=5, form="{:.0f}x")
    return Summary(tables=(table,), targets=(target,), notes=(f"Seven is {rows[-1]['pair'][1]}.",))


@pytest.fixture
def benchmark_of_nothing() -> Benchmark[Effort]:
    """Counts to 1, or to 2."""
    return Benchmark(
        name="nothing", short=Effort(), full=Effort(rounds=2), seeds=(3,), measure=count, summarize=summarize
    )


@pytest.fixture
def result() -> Result:
    """A result as it is committed."""
    rows = tuple(count(Effort(rounds=2)))
    return Result(
        name="nothing",
        command="python -m benchmarks.nothing --full",
        circumstances=Circumstances(
            revision="0123456789" * 4,
            is_dirty=False,
            began="2026-11-22T12:00:00+00:00",
            python="3.10.13",
            versions={"tensorflow": "2.16.2"},
            machine=Machine(
                cpu="A CPU @ 2 GHz", cores=2, memory_bytes=2**34, system="Linux x86_64", load_average=(0.1, 0.2, 0.3)
            ),
        ),
        seeds=(3,),
        rows=rows,
        summary=summarize(rows),
    )
