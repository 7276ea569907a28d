"""README stays short, links lead somewhere, and the generated reference is current."""

import importlib.util
import pathlib
import re

import pytest
from documents import PAGES
from sample_slice import PROJECT


def read_prose(page: pathlib.Path) -> str:
    """Returns a page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def find_anchors(page: pathlib.Path) -> set[str]:
    """Returns the anchors of the headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", read_prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short_and_begins_with_the_answer() -> None:
    text = (PROJECT / "README.md").read_text()
    lines = text.splitlines()
    assert len(lines) <= 200
    assert len(text.encode()) <= 12 * 1024
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []
    first = "\n".join(lines[:60])
    assert all(part in first for part in ("**Answer.**", "docs/accuracy.svg", "make run"))


@pytest.mark.parametrize(
    "page", [*PAGES, PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md"], ids=lambda page: page.name
)
def test_every_link_leads_to_a_file_and_a_heading(page: pathlib.Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", read_prose(page)) if not link.startswith("http")]
    for path, _, anchor in (link.partition("#") for link in links):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in find_anchors(target), anchor
        inside = PROJECT / "docs" in page.parents
        assert not inside or PROJECT / "docs" in target.parents, f"{path} is not on the site"


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = re.findall(r'"([\w/-]+\.md)"', (PROJECT / "zensical.toml").read_text())
    assert sorted(listed) == sorted(str(page.relative_to(PROJECT / "docs")) for page in PAGES[1:])


def test_the_reference_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("generate", PROJECT / "docs" / "reference" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for path, text in module.write_all().items():
        assert path.read_text() == text, f"{path.name} is not current; run `make docs`"


def test_every_option_has_a_meaning() -> None:
    options = [
        line
        for line in (PROJECT / "docs" / "reference" / "configuration.md").read_text().splitlines()
        if line.startswith("| `--")
    ]
    assert len(options) > 60
    assert not [line for line in options if line.endswith("|  |")]
