"""The result of a benchmark: raw rows, the tables that follow from them, and how, where and when they were measured."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import pydantic

FOLDER = pathlib.Path(__file__).parent / "results"  # of the full forms

Row = dict[str, Any]  # JSON: one round, one training, one step …
Reached = Literal["aim", "floor", "neither"]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as it is printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Target:
    """A figure with a required and a desired value, all as text."""

    what: str
    floor: str
    aim: str
    measured: str
    reached: Reached


@dataclasses.dataclass(frozen=True)
class Summary:
    """What follows from the rows."""

    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Result:
    """One measurement with everything needed to repeat it."""

    name: str  # of the benchmark
    command: str
    circumstances: Row  # sources, time, packages and machine, see `benchmark.py`
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    summary: Summary


_RESULT = pydantic.TypeAdapter(Result)


def judge_target(what: str, measured: str, value: float, floor: float, aim: float, form: str) -> Target:
    """Compares a figure with its target.

    Args:
        what: Was measured.
        measured: The figure as text.
        value: The figure.
        floor: Required; more is better if the aim is above it.
        aim: Desired.
        form: Of floor and aim as text, such as "{:.0%}".

    Returns:
        The target.
    """
    sign, limit = (1, f"at least {form}") if aim > floor else (-1, f"at most {form}")
    reached: Reached = "neither" if sign * value < sign * floor else "floor" if sign * value < sign * aim else "aim"
    return Target(what, limit.format(floor), limit.format(aim), measured, reached)


def tabulate_targets(targets: Sequence[Target]) -> Table:
    """Makes one table of all targets."""
    columns = tuple(field.name for field in dataclasses.fields(Target))
    return Table("Targets", columns, tuple(map(dataclasses.astuple, targets)))


def write_result(result: Result, folder: pathlib.Path) -> pathlib.Path:
    """Writes `<name>.json` and returns its path."""
    path = folder / f"{result.name}.json"
    path.write_bytes(_RESULT.dump_json(result, indent=1) + b"\n")
    return path


def read_results(folder: pathlib.Path = FOLDER) -> dict[str, Result]:
    """Reads all results of a folder, by the name of their benchmark."""
    return {path.stem: _RESULT.validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
