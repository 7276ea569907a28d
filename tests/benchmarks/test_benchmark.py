"""A benchmark prints its tables; its full form leaves a result file, from which README gets tables and a figure."""

import dataclasses
import functools
import importlib
import pathlib
import re
import sys
from collections.abc import Sequence

import pytest

from benchmarks import __main__, benchmark
from benchmarks.benchmark import Benchmark, run
from benchmarks.figure import draw_figure
from benchmarks.readme import FIGURE, PAGES, render
from benchmarks.result import Result, Row, Summary, Table, read_results
from benchmarks.rounds import divide, format_spread, take_turns
from components.errors import ExitCode, UsageFailure

PAGE = """Before.
<!-- result: nothing -->
<!-- end of result -->
<!-- result: absent -->
old
<!-- end of result -->
After.
"""


@dataclasses.dataclass(frozen=True)
class Effort:
    """How often is counted."""

    rounds: int = 1
    root: pathlib.Path | None = None


def count(effort: Effort) -> list[Row]:
    """Returns a row for each round."""
    if not effort.rounds:
        raise UsageFailure("there is no run yet.")
    return [{"round": number, "speed": 2.0 * number, "pair": (number, 7)} for number in range(1, effort.rounds + 1)]


def summarize(rows: Sequence[Row]) -> Summary:
    """Shows the last speed."""
    speed = rows[-1]["speed"]
    table = Table("Speed", ("what", "speed"), (("last", f"{speed:.1f}"),))
    return Summary((table,), (f"Seven is {rows[-1]['pair'][1]}.",))


BENCHMARK = Benchmark("nothing", count, summarize, Effort(), Effort(rounds=2), seeds=(3,))


@pytest.fixture
def result(tmp_path: pathlib.Path) -> Result:
    """The result of the full form, on a certain machine."""
    made = run(BENCHMARK, ["--full"], tmp_path)
    where = {"began": "2026-11-22T12:00", "revision": "0123456789", "is_dirty": True}
    machine = {"cpu": "A CPU @ 2 GHz", "cores": 2, "load_average": [0.1, 0.2, 0.3]}
    return dataclasses.replace(made, circumstances={**where, "machine": machine})


def test_the_short_form_prints_and_leaves_no_file(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(BENCHMARK, [], tmp_path).command == "python -m benchmarks.nothing"
    printed = capsys.readouterr().out
    assert "Speed" in printed
    assert "Seven is 7." in printed
    assert list(tmp_path.iterdir()) == []


def test_the_full_form_leaves_a_result_that_reads_back(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(BENCHMARK, ["--full", "--rounds", "3"], tmp_path)
    [(name, again)] = read_results(tmp_path).items()
    assert (name, again.rows, again.summary, again.seeds) == ("nothing", result.rows, result.summary, (3,))
    assert again.command == "python -m benchmarks.nothing --full --rounds 3"
    assert [row["speed"] for row in again.rows] == [2.0, 4.0, 6.0]
    assert f"Wrote {tmp_path}/nothing.json." in capsys.readouterr().out
    found = again.circumstances
    assert re.fullmatch("[0-9a-f]{40}|none", found["revision"])
    assert found["versions"]["keras"].count(".") == 2
    assert found["began"].endswith("+00:00")
    assert found["machine"]["memory_bytes"] > 2**28


def test_an_unknown_benchmark_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == ExitCode.USAGE
    assert "invalid choice: 'speed' (choose from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nothing", "--rounds", "0"], ExitCode.USAGE), (["nothing"], ExitCode.OK), ([], ExitCode.OK)],
)
def test_a_benchmark_without_anything_to_measure_stops_no_other(
    arguments: list[str], code: ExitCode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = dataclasses.replace(BENCHMARK, name="empty", short=Effort(rounds=0))
    benchmarks = {"benchmarks.empty": empty, "benchmarks.nothing": BENCHMARK}
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    monkeypatch.setattr(__main__, "NAMES", ("empty", "nothing"))
    monkeypatch.setattr(importlib, "import_module", lambda name: type("module", (), {"BENCHMARK": benchmarks[name]}))
    assert __main__.main() == code
    captured = capsys.readouterr()
    failed = "nothing" if code else "empty"
    assert captured.err == ("" if arguments == ["nothing"] else f"benchmarks.{failed}: there is no run yet.\n")
    assert ("Seven is 7." in captured.out) == (code == ExitCode.OK)


def test_alternatives_are_measured_in_turns_and_compared_round_by_round() -> None:
    calls: list[str] = []

    def call(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    rows = take_turns({name: functools.partial(call, name) for name in "abc"}, rounds=2)
    assert "".join(calls) == "abccba"
    assert rows == [{"round": 1, "a": 1.0, "b": 2.0, "c": 3.0}, {"round": 2, "a": 6.0, "b": 5.0, "c": 4.0}]
    assert divide(rows, "a", "c") == [1 / 3, 1.5]
    assert format_spread([2, 4, 3], "{:.1f}x") == "3.0x (2.0x to 4.0x)"


def test_every_committed_result_can_be_repeated_and_its_tables_follow_from_its_rows() -> None:
    quoted = re.findall(r"<!-- result: (\w+) -->", "".join(page.read_text() for page in PAGES))
    assert len(quoted) == len(set(quoted))
    assert set(read_results()) <= set(quoted)
    for name, result in read_results().items():
        assert name == result.name
        assert name in __main__.NAMES
        assert not result.circumstances["is_dirty"]
        assert re.fullmatch("[0-9a-f]{40}", result.circumstances["revision"])
        assert "--full" in result.command
        assert not re.search("[ =]/", result.command)  # no path of that machine
        assert importlib.import_module(f"benchmarks.{name}").BENCHMARK.summarize(result.rows) == result.summary, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_holds_the_tables_of_the_results(page: pathlib.Path) -> None:
    assert render(page.read_text(), read_results()) == page.read_text(), "run `python -m benchmarks.readme`"


def test_the_figure_holds_the_points_of_the_results() -> None:
    drawn, committed = (
        re.findall(r"<(?:desc|title|text)\b[^>]*>([^<]*)", svg)  # the rest differs by Matplotlib
        for svg in (draw_figure(read_results()), FIGURE.read_text())
    )
    assert drawn == committed, "run `python -m benchmarks.readme`"


def test_tables_stand_between_their_markers_and_nothing_else_changes(result: Result) -> None:
    text = render(PAGE, {"nothing": result})
    assert text.startswith("Before.\n<!-- result: nothing -->\n\nSpeed:\n\n")
    assert "Speed:\n\n| what | speed |\n| --- | --- |\n| last | 4.0 |\n\nSeven is 7.\n" in text
    source = "2026-11-22, 0123456 with changes, 2 cores of A CPU @ 2 GHz, load average before 0.1."
    assert f"`python -m benchmarks.nothing --full`, {source}\n" in text
    assert text.endswith("<!-- result: absent -->\n<!-- end of result -->\nAfter.\n")
    assert render(text.replace("| last | 4.0 |", "| last | 5.0 |"), {"nothing": result}) == text
    assert "old" not in render(PAGE, {})


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(benchmark, "_PROJECT", tmp_path)
    assert benchmark.describe_circumstances()["revision"] == "none"
