"""Canvas: Matplotlib figures as SVG in the page's colors and font, which speak to screen readers, or as PNG."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

import matplotlib as mpl
import numpy as np
import PIL.Image
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from components.report.palette import LIGHT

_UNITS_AN_INCH = 72  # of Matplotlib's SVG; one of them is a CSS pixel when the chart is as wide as planned
_PNG_COLORS = 256  # of a palette, which takes a third of the bytes
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "font.size": 12,
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["muted"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 12,
    "axes.linewidth": 0.8,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.8,
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["muted"],
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "legend.frameon": False,
    "legend.fontsize": 11.5,
    "figure.facecolor": "none",
}


class Tips:
    """Texts that show when the pointer rests on a mark, and that screen readers find."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, artist: Artist, text: str) -> None:
        """Gives a mark its text."""
        artist.set_gid(f"tip-{len(self.texts)}")
        self.texts.append(text)


Plot = Callable[[Sequence[Axes], Tips], None]


def draw(
    name: str,
    plot: Plot,
    *,
    title: str,
    description: str,
    size: tuple[int, int],
    heights: Sequence[float] = (1,),
) -> Markup:
    """Draws a chart.

    Args:
        name: Tells its ids apart from those of other charts on the page.
        plot: Fills the axes, which stand below each other and share x.
        title: Of the chart, in a few words.
        description: What it shows, for those who do not see it.
        size: Width and height, CSS pixels.
        heights: Of the axes, relative.

    Returns:
        An SVG element.
    """
    tips = Tips()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = _make_figure(size)
        canvas = FigureCanvasSVG(figure)
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        plot(list(axes), tips)
        file = io.StringIO()
        # `Figure.savefig` would draw it twice.
        canvas.print_svg(file, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Markup(_adopt(file.getvalue(), name, title, description, tips.texts))


def draw_png(fill: Callable[[Figure], None], *, size: tuple[int, int]) -> bytes:
    """Draws a picture that stands by itself, on white and twice as sharp as planned.

    Args:
        fill: Fills the figure.
        size: Width and height as planned, pixels.

    Returns:
        A PNG.
    """
    with mpl.rc_context({**_STYLE, "figure.facecolor": LIGHT["surface"]}):
        figure = _make_figure(size)
        canvas = FigureCanvasAgg(figure)
        fill(figure)
        figure.set_dpi(2 * _UNITS_AN_INCH)
        canvas.draw()
    small = io.BytesIO()
    PIL.Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(_PNG_COLORS).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def _make_figure(size: tuple[int, int]) -> Figure:
    width, height = (side / _UNITS_AN_INCH for side in size)
    return Figure(figsize=(width, height), layout="constrained", dpi=_UNITS_AN_INCH)


def _adopt(svg: str, name: str, title: str, description: str, tips: Sequence[str]) -> str:
    """Makes a file of Matplotlib's a part of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style type=.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"font: ([^\"';]*?px) [^\";]*", r"font: \1 var(--font)", svg)  # one Matplotlib writes the shorthand
    svg = re.sub(r"font-family: [^\";]*", "font-family: var(--font)", svg)  # another one does not
    for role, color in LIGHT.items():
        svg = re.sub(color, f"var(--{role})", svg, flags=re.IGNORECASE)
    for number, text in enumerate(tips):
        group = f'<g id="{name}-tip-{number}">'
        svg = svg.replace(group, f"{group}<title>{escape(text)}</title>", 1)
    [view_box] = re.findall(r'viewBox="[^"]*"', svg)
    opening = (
        f'<svg class="chart" {view_box} role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return _drop_spaces(opening + svg[svg.index(">") + 1 :])


def _drop_spaces(svg: str) -> str:
    def lines() -> Iterator[str]:
        for line in svg.splitlines():
            if not re.match(r"\s*<!--.*-->\s*$", line) and line.strip():
                yield line.strip()

    return "\n".join(lines())
