"""The result of a benchmark: raw rows, the tables that follow from them, and how, where and when they were measured."""

import dataclasses
import pathlib
from typing import Any

import pydantic

FOLDER = pathlib.Path(__file__).parent / "results"  # of the full forms

Row = dict[str, Any]  # JSON: one round, one training, one step …


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as it is printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Summary:
    """What follows from the rows."""

    tables: tuple[Table, ...]
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


def write_result(result: Result, folder: pathlib.Path) -> pathlib.Path:
    """Writes `<name>.json` and returns its path."""
    path = folder / f"{result.name}.json"
    path.write_bytes(_RESULT.dump_json(result, indent=1) + b"\n")
    return path


def read_results(folder: pathlib.Path = FOLDER) -> dict[str, Result]:
    """Reads all results of a folder, by the name of their benchmark."""
    return {path.stem: _RESULT.validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
