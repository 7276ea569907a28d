"""Result files hold all that is needed to repeat a measurement."""

import dataclasses
import importlib
import json
import pathlib
from typing import Any

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.result import FOLDER, Result, Table, judge_target, read_result, read_results, write_result

NEEDED = (
    *("command", "seeds", "rows", "summary", "circumstances"),
    *("circumstances.revision", "circumstances.is_dirty", "circumstances.began", "circumstances.versions"),
    *("circumstances.machine", "circumstances.machine.cpu", "circumstances.machine.load_average"),
)


def take_out(content: dict[str, Any], dotted_name: str) -> None:
    *path, last = dotted_name.split(".")
    for name in path:
        content = content[name]
    del content[last]


def list_flaws(result: Result) -> list[str]:
    """Says why a result is not fit to be committed."""
    flaws = {
        "was measured with sources that no commit holds": result.circumstances.is_dirty,
        "names no commit": result.circumstances.revision == "none",
        "names a path of the machine": " /" in result.command or "=/" in result.command,
        "is of no benchmark": result.name not in NAMES,
        "was not the long form": "--full" not in result.command.split(),
    }
    return [flaw for flaw, is_there in flaws.items() if is_there]


def test_a_result_comes_back_from_its_file_as_it_was(result: Result, tmp_path: pathlib.Path) -> None:
    path = write_result(result, tmp_path)
    assert path == tmp_path / "nothing.json"
    again = read_result(path)
    assert again.circumstances == result.circumstances
    assert again.summary == result.summary
    assert [row["speed"] for row in again.rows] == [2.0, 4.0]


@pytest.mark.parametrize("name", NEEDED)
def test_a_result_that_lacks_something_is_not_read(name: str, result: Result, tmp_path: pathlib.Path) -> None:
    path = write_result(result, tmp_path)
    content = json.loads(path.read_text())
    take_out(content, name)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=name.rpartition(".")[2]):
        read_result(path)


@pytest.mark.parametrize(("field", "empty"), [("rows", []), ("versions", {}), ("revision", "main")])
def test_a_result_that_tells_nothing_is_not_read(
    field: str, empty: object, result: Result, tmp_path: pathlib.Path
) -> None:
    path = write_result(result, tmp_path)
    content = json.loads(path.read_text())
    (content if field == "rows" else content["circumstances"])[field] = empty
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=field):
        read_result(path)


def test_every_committed_result_can_be_repeated_and_its_tables_follow_from_its_rows() -> None:
    for name, result in read_results(FOLDER).items():
        assert list_flaws(result) == [], name
        assert name == result.name
        benchmark = importlib.import_module(f"benchmarks.{name}").BENCHMARK
        assert benchmark.summarize(result.rows) == result.summary, name


def test_a_result_of_sources_that_no_commit_holds_is_not_fit_to_be_committed(result: Result) -> None:
    fit = dataclasses.replace(result, name="latency")
    assert list_flaws(fit) == []
    dirty = dataclasses.replace(fit.circumstances, is_dirty=True, revision="none")
    flawed = dataclasses.replace(fit, circumstances=dirty, command="python -m benchmarks.latency --tfds-dir /home/me")
    assert len(list_flaws(flawed)) == 4


@pytest.mark.parametrize(
    ("value", "floor", "aim", "reached"),
    [(10, 6, 10, "aim"), (9.9, 6, 10, "floor"), (5.9, 6, 10, "neither"), (20, 25, 20, "aim"), (26, 25, 20, "neither")],
)
def test_a_target_is_judged_by_floor_and_aim(value: float, floor: float, aim: float, reached: str) -> None:
    target = judge_target("speed", "so much", value, floor=floor, aim=aim, form="{:.0f}x")
    assert target.reached == reached
    assert target.floor == f"at {'least' if aim > floor else 'most'} {floor}x"


def test_a_row_of_another_length_is_no_table() -> None:
    with pytest.raises(ValueError, match="'Speed' has 2 cells; it has 1 columns"):
        Table(title="Speed", columns=("what",), rows=(("a", "b"),))
