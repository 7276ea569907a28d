"""Writes figures of README.md and docs/ from the result files: `python -m benchmarks.readme`.

`<!-- result: NAME -->` … `<!-- end of result -->` holds the tables of one benchmark, and `<!-- answer -->` … `<!-- end
of answer -->` the short table of README.md.
"""

import argparse
import pathlib
import re
from collections.abc import Sequence

from benchmarks.figure import draw_figure
from benchmarks.result import Result, Table, read_results

_PROJECT = pathlib.Path(__file__).parent.parent
PAGES = (_PROJECT / "README.md", _PROJECT / "docs" / "explanation" / "results.md")
FIGURE = _PROJECT / "docs" / "accuracy.svg"

_RESULT = re.compile(r"(<!-- result: (\w+) -->\n).*?(<!-- end of result -->)", re.DOTALL)
_ANSWER = re.compile(r"(<!-- answer -->\n).*?(<!-- end of answer -->)", re.DOTALL)


def render(text: str, results: dict[str, Result]) -> str:
    """Returns a page with new tables; the text outside of markers stays as it is.

    Args:
        text: The page.
        results: By the name of their benchmark.
    """
    answer = f"\n{_render_table(_pick_answer(results['reducers']))}\n" if "reducers" in results else ""
    text = _ANSWER.sub(lambda found: found[1] + answer + found[2], text)
    return _RESULT.sub(lambda found: found[1] + _render_result(results.get(found[2])) + found[3], text)


def _pick_answer(result: Result) -> Table:
    """Picks the learned reducer, no reducer and average pooling from the table of `reducers`."""
    learned, *others = result.summary.tables[0].rows
    chosen = (learned, *(row for row in others if row[0].startswith(("no_reducer", "average_pooling"))))
    rows = tuple((f"`{row[0]}`", row[1], row[-2], row[2]) for row in chosen)
    columns = ("network", "test accuracy (95%)", "million MACs", f"lead of `{learned[0]}`, points (95%)")
    return Table("", columns, rows)


def _render_table(table: Table) -> str:
    def render_row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |\n"

    return "".join(map(render_row, (table.columns, ["---"] * len(table.columns), *table.rows)))


def _render_result(result: Result | None) -> str:
    if result is None:
        return ""
    tables = "".join(f"\n{table.title}:\n\n{_render_table(table)}" for table in result.summary.tables)
    notes = "".join(f"\n{note}\n" for note in result.summary.notes)
    where, machine = result.circumstances, result.circumstances["machine"]
    dirty = " with changes" if where["is_dirty"] else ""
    return (
        f"{tables}{notes}\n`{result.command}`, {where['began'][:10]}, {where['revision'][:7]}{dirty}, "
        f"{machine['cores']} cores of {machine['cpu']}, load average before {machine['load_average'][0]:.1f}.\n\n"
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description="Writes figures of README.md and docs/ from the result files.").parse_args()
    for page in PAGES:
        page.write_text(render(page.read_text(), read_results()))
    FIGURE.write_text(draw_figure(read_results()))
