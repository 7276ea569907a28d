"""A benchmark runs in its short and its long form, alone and among others."""

import pathlib
import sys
from typing import Any

import pytest

from benchmarks import __main__
from benchmarks.benchmark import Benchmark, run
from benchmarks.circumstances import look_around
from benchmarks.result import read_result
from components.errors import ExitCode, UsageFailure


def test_the_short_form_prints_and_leaves_no_file(
    benchmark_of_nothing: Benchmark[Any], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(benchmark_of_nothing, [], tmp_path)
    printed = capsys.readouterr().out
    assert "Speed" in printed
    assert "Seven is 7." in printed
    assert "at least 3x" not in printed
    assert list(tmp_path.iterdir()) == []
    assert result.command == "python -m benchmarks.nothing"


def test_the_long_form_leaves_a_result_that_reads_back(
    benchmark_of_nothing: Benchmark[Any], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(benchmark_of_nothing, ["--full", "--rounds", "3"], tmp_path)
    assert read_result(tmp_path / "nothing.json") == result
    assert result.command == "python -m benchmarks.nothing --full --rounds 3"
    assert [row["speed"] for row in result.rows] == [2.0, 4.0, 6.0]
    assert result.summary.targets[0].reached == "aim"
    assert result.seeds == (3,)
    assert "at least 3x" in capsys.readouterr().out


def test_a_look_around_tells_commit_versions_and_machine() -> None:
    found = look_around()
    assert found.versions["keras"].count(".") == 2
    assert found.machine.cores >= 1
    assert found.machine.memory_bytes > 2**28
    assert found.machine.cpu
    assert found.began.endswith("+00:00")


def test_a_benchmark_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == ExitCode.USAGE
    assert "there is no speed; there are training_speed, " in capsys.readouterr().err


def test_a_benchmark_without_anything_to_measure_does_not_end_the_others(
    benchmark_of_nothing: Benchmark[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(benchmark: Benchmark[Any], _: list[str]) -> None:
        if benchmark.name == "first":
            raise UsageFailure("there is no run yet.")
        print(f"ran {benchmark.name}")

    class Module:
        def __init__(self, name: str) -> None:
            self.BENCHMARK = Benchmark(**{**vars(benchmark_of_nothing), "name": name.rpartition(".")[2]})

    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    monkeypatch.setattr(__main__, "NAMES", ("first", "second"))
    monkeypatch.setattr(__main__, "run", fail)
    monkeypatch.setattr(__main__.importlib, "import_module", Module)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.err == "benchmarks.first: there is no run yet.\n"
    assert "ran second" in captured.out
