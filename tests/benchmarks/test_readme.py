"""README and docs/results.md quote the result files, and nothing else between their markers."""

import dataclasses
import pathlib
import re

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.readme import PAGES, render, render_table
from benchmarks.result import Result, Table, read_results

TEXT = """Before.
<!-- targets -->
old
<!-- end of targets -->
Between.
<!-- result: nothing -->
<!-- end of result -->
<!-- result: absent -->
old
<!-- end of result -->
After.
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_the_results_say(page: pathlib.Path) -> None:
    text = page.read_text()
    assert render(text, read_results()) == text, "run `python -m benchmarks.readme`"


def test_the_pages_quote_benchmarks_that_are_there_and_each_result_once() -> None:
    quoted = re.findall(r"<!-- result: (\w+) -->", "".join(page.read_text() for page in PAGES))
    assert sorted(quoted) == sorted(set(quoted))
    assert set(quoted) <= set(NAMES)
    assert set(read_results()) <= set(quoted)


def test_tables_stand_between_their_markers_and_nothing_else_changes(result: Result) -> None:
    text = render(TEXT, {"nothing": result})
    assert text.startswith("Before.\n<!-- targets -->\n\n| what | floor | aim | measured | reached |\n")
    assert "| speed | at least 3x | at least 5x | 4x | floor |\n" in text
    assert "Speed:\n\n| what | speed |\n| --- | --- |\n| last | 4.0 |\n\nSeven is 7.\n" in text
    assert "`python -m benchmarks.nothing --full`, 2026-11-22, 0123456, 2 cores of A CPU @ 2 GHz" in text
    assert "old" not in text
    assert text.endswith("<!-- result: absent -->\n<!-- end of result -->\nAfter.\n")


def test_a_readme_is_made_anew_from_its_own_outcome(result: Result) -> None:
    once = render(TEXT, {"nothing": result})
    assert render(once, {"nothing": result}) == once


def test_an_edited_figure_is_found(result: Result) -> None:
    text = render(TEXT, {"nothing": result})
    assert render(text.replace("| last | 4.0 |", "| last | 5.0 |"), {"nothing": result}) == text


def test_without_results_nothing_stands_between_the_markers() -> None:
    text = render(TEXT, {})
    assert "<!-- targets -->\n<!-- end of targets -->" in text
    assert "old" not in text


def test_a_result_measured_with_changes_says_so(result: Result) -> None:
    dirty = dataclasses.replace(result, circumstances=dataclasses.replace(result.circumstances, is_dirty=True))
    assert "0123456 with changes" in render(TEXT, {"nothing": dirty})


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert "a &#124; b" in render_table(Table(title="", columns=("what",), rows=(("a | b",),)))
