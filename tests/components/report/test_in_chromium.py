"""The page as people see it: in a browser, light and dark, on a phone and on paper."""

import pathlib
from collections.abc import Iterator

import PIL.Image
import pytest
from browser import Tab, find_chromium, start_chromium

from components.report.page import render_page
from components.report.sources import Sources

_CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium`")

_WIDER_THAN_WINDOW = """[...document.querySelectorAll("body *")]
    .filter(e => !e.closest(".scroll") && !e.closest("svg") && e.getBoundingClientRect().right > innerWidth + 0.5)
    .map(e => `${e.tagName}.${e.className}`)"""
_CUT_LETTERS = """[...document.querySelectorAll("svg.chart")].filter(svg => svg.checkVisibility()).flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")]
        .filter(t => { const b = t.getBoundingClientRect(); return b.left < box.left - 2 || b.right > box.right + 2; })
        .map(t => t.textContent);
})"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    assert _CHROMIUM is not None
    with start_chromium(_CHROMIUM) as started:
        yield started


@pytest.fixture(scope="module")
def pages(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    folder = tmp_path_factory.mktemp("pages")
    files = {"whole": folder / "whole.html", "empty": folder / "empty.html"}
    files["whole"].write_text(render_page(sources))
    files["empty"].write_text(render_page(Sources()))
    return files


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("whole", 1100, "light"), ("whole", 390, "dark"), ("empty", 1100, "dark"), ("empty", 390, "light")],
)
def test_it_fits_and_neither_complains_nor_asks_the_network(
    tab: Tab, pages: dict[str, pathlib.Path], tmp_path: pathlib.Path, name: str, width: int, scheme: str
) -> None:
    tab.open(pages[name], width=width, scheme=scheme)
    assert tab.complaints() == []
    assert tab.requests() == [pages[name].as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate(_WIDER_THAN_WINDOW) == []
    assert tab.evaluate(_CUT_LETTERS) == []
    assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    tab.screenshot(tmp_path / "page.png")
    picture = PIL.Image.open(tmp_path / "page.png").convert("L")
    assert picture.width == width
    ground = picture.getpixel((2, 2))
    assert ground == {"light": 255, "dark": 23}[scheme]
    assert len(picture.getcolors(256) or ()) > 100  # letters and, in the whole one, pictures


def test_charts_follow_the_scheme(tab: Tab, pages: dict[str, pathlib.Path]) -> None:
    color = "getComputedStyle(document.querySelector('svg.chart text')).fill"
    tab.open(pages["whole"], width=1100, scheme="light")
    light = tab.evaluate(color)
    tab.open(pages["whole"], width=1100, scheme="dark")
    assert (light, tab.evaluate(color)) == ("rgb(26, 29, 33)", "rgb(233, 235, 238)")


def test_it_prints_on_few_sheets(tab: Tab, pages: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    tab.open(pages["whole"], width=1100, scheme="dark")
    tab.print(tmp_path / "page.pdf")
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") <= 12
