"""What a benchmark found: raw rows, the tables that follow from them, and how, where and when they were measured."""

import dataclasses
import pathlib
from typing import Any, Literal

import pydantic

from benchmarks.circumstances import Circumstances

FOLDER = pathlib.Path(__file__).parent / "results"  # of the long forms' results

Row = dict[str, Any]  # JSON: one round, one training, one step …
Reached = Literal["aim", "floor", "neither"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table as a person reads it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Rejects a row of another length."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {self.title!r} has {len(row)} cells; it has {len(self.columns)} columns")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A figure that was asked for."""

    what: str
    floor: str  # in words, as the following
    aim: str
    measured: str
    reached: Reached


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """What follows from raw rows, and from nothing else."""

    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()  # sentences without which the tables mislead


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One measurement with all that is needed to repeat and to doubt it."""

    name: str  # of the benchmark
    command: str
    circumstances: Circumstances
    seeds: tuple[int, ...]  # of whatever was drawn; empty: nothing was
    rows: tuple[Row, ...]  # every round's figures
    summary: Summary

    def __post_init__(self) -> None:
        """Rejects a result that shows nothing."""
        if not self.rows:
            raise ValueError(f"the result of {self.name} has no rows")


_RESULT = pydantic.TypeAdapter(Result)


def judge_target(what: str, measured: str, value: float, *, floor: float, aim: float, form: str) -> Target:
    """Compares a figure with what was asked for.

    Args:
        what: Was measured.
        measured: The figure in words.
        value: The figure.
        floor: What it has to reach; more is better if the aim is above it.
        aim: What it should reach.
        form: How limits are written, such as "{:.0%}".

    Returns:
        The target.
    """
    sign = 1 if aim > floor else -1
    reached: Reached = "neither" if sign * value < sign * floor else "floor" if sign * value < sign * aim else "aim"
    least = "at least" if sign == 1 else "at most"
    return Target(
        what=what,
        floor=f"{least} {form.format(floor)}",
        aim=f"{least} {form.format(aim)}",
        measured=measured,
        reached=reached,
    )


def write_result(result: Result, folder: pathlib.Path = FOLDER) -> pathlib.Path:
    """Writes `<name>.json` and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_bytes(_RESULT.dump_json(result, indent=1) + b"\n")
    return path


def read_result(path: pathlib.Path) -> Result:
    """Reads what `write_result` wrote.

    Raises:
        ValueError: If anything is missing in it.
    """
    return _RESULT.validate_json(path.read_bytes())


def read_results(folder: pathlib.Path = FOLDER) -> dict[str, Result]:
    """Reads all results of a folder, by the name of their benchmark."""
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}
