"""The page in a browser: light and dark, on a phone and on paper."""

import csv
import pathlib
import shutil
from collections.abc import Callable, Iterator

import PIL.Image
import pytest
from playwright.sync_api import Page, sync_playwright

from components.report.page import render_page
from components.report.sources import Sources

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium`")

_TOO_WIDE = """[...document.querySelectorAll("section *, header *")]
    .filter(e => !e.closest(".scroll") && !e.closest("svg"))
    .filter(e => e.getBoundingClientRect().right > document.querySelector("nav").getBoundingClientRect().right + 0.5)
    .map(e => `${e.tagName}.${e.className}`)"""
_CUT_LETTERS = """[...document.querySelectorAll("svg.chart")].filter(svg => svg.checkVisibility()).flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")]
        .filter(t => { const b = t.getBoundingClientRect(); return b.left < box.left - 2 || b.right > box.right + 2; })
        .map(t => t.textContent);
})"""

OpenPage = Callable[[str, int, str], tuple[Page, list[str]]]


@pytest.fixture(scope="module")
def open_page(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    """Opens a page at a width, light or dark; also returns its messages and the addresses that it requests."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "whole.html").write_text(render_page(sources))
    (folder / "empty.html").write_text(render_page(Sources()))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM)

        def call(name: str, width: int, scheme: str) -> tuple[Page, list[str]]:
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,  # type: ignore[arg-type]
                is_mobile=width < 600,
            )
            events: list[str] = []
            page.on("console", lambda message: events.append(message.text))
            page.on("pageerror", lambda error: events.append(str(error)))
            page.on("request", lambda request: events.append(request.url.partition(",")[0]))
            page.goto((folder / f"{name}.html").as_uri())
            return page, events

        yield call


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("whole", 1100, "light"), ("whole", 390, "dark"), ("empty", 1100, "dark"), ("empty", 390, "light")],
)
def test_the_page_fits_and_requests_nothing(
    open_page: OpenPage, tmp_path: pathlib.Path, name: str, width: int, scheme: str
) -> None:
    page, events = open_page(name, width, scheme)
    assert set(events) <= {page.url, "data:image/png;base64", "data:image/jpeg;base64", "data:"}
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(_TOO_WIDE) == []
    assert page.evaluate(_CUT_LETTERS) == []
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    picture = PIL.Image.open(tmp_path / "page.png").convert("L")
    assert picture.width == width
    assert picture.getpixel((2, 2)) == {"light": 255, "dark": 23}[scheme]
    assert len(picture.getcolors(256) or ()) > 100  # letters, charts and photographs
    if name == "whole":
        assert page.evaluate("Math.min(...[...document.querySelectorAll('.tiled img')].map(i => i.width))") >= 96
        color = page.evaluate("getComputedStyle(document.querySelector('svg.chart text')).fill")
        assert color == {"light": "rgb(89, 97, 109)", "dark": "rgb(164, 172, 184)"}[scheme]


def test_trials_are_sorted_and_downloaded(open_page: OpenPage) -> None:
    page, events = open_page("whole", 1100, "light")
    for heading in ("seconds", "valid", "valid"):
        page.locator("#trials").get_by_role("button", name=heading, exact=True).click()
    shown = page.locator("#trials tbody th").all_inner_texts()
    assert (shown[:2], shown[-1]) == (["token_learner-4@1", "no_reducer"], "top_k_norm-4@1")  # the failed one is last
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "trials.csv"
    with download.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["point"] for row in rows) == sorted(shown)
    best = max(rows, key=lambda row: row["valid_accuracy"])
    names = ("point", "macs", "valid_accuracy", "blocks_before_token_learner", "epochs")
    assert [best[name] for name in names] == ["token_learner-4@1", "4600000", "0.33", "1", "3"]
    [failed] = [row for row in rows if row["status"] == "failed"]
    assert (failed["valid_accuracy"], failed["reason"]) == ("", "<script>alert(1)</script>")
    assert not [event for event in events if "Error" in event]


def test_the_page_prints_on_few_sheets(open_page: OpenPage) -> None:
    content = open_page("whole", 1100, "dark")[0].pdf(format="A4", prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") <= 12
    page = open_page("whole", 1100, "light")[0]
    count = "document.querySelectorAll('details:not([open])').length"
    closed = page.evaluate(count)
    assert closed >= 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(count) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(count) == closed
