"""Writes what README and docs/results.md quote from the result files, between their markers.

`python -m benchmarks.readme` does it.

`<!-- result: NAME -->` … `<!-- end of result -->` holds the tables of one benchmark, `<!-- targets -->` … `<!-- end of
targets -->` what was asked for, of all of them. Without result files there is nothing between the markers.
"""

import pathlib
import re

from benchmarks.benchmark import tabulate_targets
from benchmarks.result import Result, Table, read_results

_PROJECT = pathlib.Path(__file__).parent.parent
PAGES = (_PROJECT / "README.md", _PROJECT / "docs" / "results.md")

_RESULT = re.compile(r"(<!-- result: (\w+) -->\n).*?(<!-- end of result -->)", re.DOTALL)
_TARGETS = re.compile(r"(<!-- targets -->\n).*?(<!-- end of targets -->)", re.DOTALL)


def render(text: str, results: dict[str, Result]) -> str:
    """Returns a page with its tables made anew.

    Args:
        text: The page.
        results: By the name of their benchmark.

    Returns:
        The page; what stands outside of markers is untouched.
    """
    targets = [target for result in results.values() for target in result.summary.targets]
    table = f"\n{render_table(tabulate_targets(targets))}\n" if targets else ""
    text = _TARGETS.sub(lambda found: found[1] + table + found[2], text)
    return _RESULT.sub(lambda found: found[1] + _render_result(results.get(found[2])) + found[3], text)


def render_table(table: Table) -> str:
    """Returns a table in Markdown."""
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def _render_result(result: Result | None) -> str:
    if result is None:
        return ""
    tables = "".join(f"\n{table.title}:\n\n{render_table(table)}" for table in result.summary.tables)
    notes = "".join(f"\n{note}\n" for note in result.summary.notes)
    where = result.circumstances
    dirty = " with changes" if where.is_dirty else ""
    machine = (
        f"{where.machine.cores} cores of {where.machine.cpu}, load average before {where.machine.load_average[0]:.1f}"
    )
    source = f"\n`{result.command}`, {where.began[:10]}, {where.revision[:7]}{dirty}, {machine}.\n"
    return f"{tables}{notes}{source}\n"


def main() -> None:
    """Rewrites the pages, and says whether that changed them."""
    results = read_results()
    for page in PAGES:
        before = page.read_text()
        after = render(before, results)
        page.write_text(after)
        print(f"{page.name} {'is as the results say' if after == before else 'now says what the results say'}.")


if __name__ == "__main__":
    main()
