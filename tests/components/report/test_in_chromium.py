"""The page as people see it: in a browser, light and dark, on a phone and on paper."""

import pathlib
import shutil
from collections.abc import Callable, Iterator

import PIL.Image
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from components.report.page import render_page
from components.report.sources import Sources

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)
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

OpenPage = Callable[[str, int, str], tuple[Page, list[str], list[str]]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=_CHROMIUM)


@pytest.fixture(scope="module")
def pages(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    folder = tmp_path_factory.mktemp("pages")
    files = {"whole": folder / "whole.html", "empty": folder / "empty.html"}
    files["whole"].write_text(render_page(sources))
    files["empty"].write_text(render_page(Sources()))
    return files


@pytest.fixture
def open_page(browser: Browser, pages: dict[str, pathlib.Path]) -> Iterator[OpenPage]:
    """Opens a page at a width, light or dark; returns it with its complaints and the addresses that it asks for."""
    opened = []

    def call(name: str, width: int, scheme: str) -> tuple[Page, list[str], list[str]]:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            is_mobile=width < 600,
        )
        opened.append(page)
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(pages[name].as_uri())
        return page, complaints, [address for address in requests if not address.startswith("data:")]

    yield call
    for page in opened:
        page.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("whole", 1100, "light"), ("whole", 390, "dark"), ("empty", 1100, "dark"), ("empty", 390, "light")],
)
def test_it_fits_and_neither_complains_nor_asks_the_network(
    open_page: OpenPage, pages: dict[str, pathlib.Path], tmp_path: pathlib.Path, name: str, width: int, scheme: str
) -> None:
    page, complaints, requests = open_page(name, width, scheme)
    assert complaints == []
    assert requests == [pages[name].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(_WIDER_THAN_WINDOW) == []
    assert page.evaluate(_CUT_LETTERS) == []
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    picture = PIL.Image.open(tmp_path / "page.png").convert("L")
    assert picture.width == width
    ground = picture.getpixel((2, 2))
    assert ground == {"light": 255, "dark": 23}[scheme]
    assert len(picture.getcolors(256) or ()) > 100  # letters and, in the whole one, pictures


def test_charts_follow_the_scheme(open_page: OpenPage) -> None:
    color = "getComputedStyle(document.querySelector('svg.chart text')).fill"
    light, dark = (open_page("whole", 1100, scheme)[0].evaluate(color) for scheme in ("light", "dark"))
    assert (light, dark) == ("rgb(26, 29, 33)", "rgb(233, 235, 238)")


def test_it_prints_on_few_sheets(open_page: OpenPage) -> None:
    content = open_page("whole", 1100, "dark")[0].pdf(format="A4", prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") <= 12
