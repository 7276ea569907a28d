"""Tables as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how spreadsheets recognize a formula


def format_csv(rows: Sequence[Mapping[str, object]], columns: Iterable[str] = ()) -> str:
    """Returns rows as CSV; texts that a spreadsheet would take for a formula begin with an apostrophe.

    Args:
        rows: Cells by column.
        columns: The first columns; those of the rows follow.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: guard_cell(cell) for name, cell in row.items()})
    return file.getvalue()


def guard_cell(cell: object) -> object:
    """Returns a cell; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
