"""Matplotlib charts: as accessible SVG that takes its colors and font from the page, or as PNG."""

import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
import PIL.Image
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from components.report.palette import LIGHT

_UNITS_PER_INCH = 72  # of Matplotlib's SVG; one unit is a CSS pixel when the chart has its nominal width
styled = mpl.rc_context(  # decorates functions that draw
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "page",  # the same ids each time
        "font.size": 12,
        "text.parse_math": False,  # names of classes may contain dollar signs
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
)


def format_percent(share: float, _position: float | None = None) -> str:
    """Formats a tick, with decimals only where ticks fall between whole percents."""
    return f"{100 * share:.4g}%"


class Chart:
    """A figure, its axes as an array [rows, columns], and the tooltips of its marks.

    Args:
        size: Width and height, CSS pixels. On the page, two charts of the default size fit side by side.
        rows: Of axes.
        columns: Of axes.
        grid: More arguments of `Figure.subplots`.
    """

    def __init__(self, size: tuple[int, int] = (420, 330), rows: int = 1, columns: int = 1, **grid: Any) -> None:
        width, height = (side / _UNITS_PER_INCH for side in size)
        self.figure = Figure(figsize=(width, height), layout="constrained", dpi=_UNITS_PER_INCH)
        self.axes = self.figure.subplots(rows, columns, squeeze=False, **grid)
        self._tooltips: list[str] = []

    def plot(self, axes: Axes, tooltip: str, *data: Any, **style: Any) -> None:
        """Plots a line or a marker with a text for the pointer and for screen readers."""
        [line] = axes.plot(*data, **style)
        line.set_gid(f"tip-{len(self._tooltips)}")
        self._tooltips.append(tooltip)

    def add_legend(self, axes: Axes, **style: Any) -> None:
        """Adds a legend above the axes, with one entry for each label."""
        handles, labels = axes.get_legend_handles_labels()
        entries = dict(zip(labels, handles, strict=True))
        self.figure.legend(entries.values(), entries.keys(), loc="outside upper left", ncols=3, **style)

    @styled
    def to_svg(self, name: str, title: str, description: str) -> Markup:
        """Returns an SVG element.

        Args:
            name: Prefix of its ids, unique on the page.
            title: A few words.
            description: What the chart shows, for screen readers.
        """
        file = io.StringIO()
        FigureCanvasSVG(self.figure).print_svg(file)  # `Figure.savefig` draws twice
        svg = re.sub(r"<!--.*?-->|<(metadata|style)\b.*?</\1>", "", file.getvalue(), flags=re.DOTALL)
        svg = re.sub(r"\s*\n\s*", "\n", svg)
        svg = re.sub(r'\bid="', f'id="{name}-', svg)
        svg = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', svg)
        svg = re.sub(r"url\(#", f"url(#{name}-", svg)
        # Some versions of Matplotlib write the shorthand, others do not.
        svg = re.sub(r"font: ([^\"';]*?px) [^\";]*", r"font: \1 var(--font)", svg)
        svg = re.sub(r"font-family: [^\";]*", "font-family: var(--font)", svg)
        for role, color in LIGHT.items():
            svg = re.sub(color, f"var(--{role})", svg, flags=re.IGNORECASE)
        for number, text in enumerate(self._tooltips):
            group = f'<g id="{name}-tip-{number}">'
            svg = svg.replace(group, f"{group}<title>{escape(text)}</title>", 1)
        [(view_box, content)] = re.findall(r'<svg [^>]*(viewBox="[^"]*")[^>]*>(.*)', svg, re.DOTALL)
        return Markup(
            f'<svg class="chart" {view_box} role="img" aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(title)}</title>'
            f'<desc id="{name}-desc">{escape(description)}</desc>{content}'
        )

    @styled
    def to_png(self) -> bytes:
        """Returns a PNG on white, two pixels for each CSS pixel; 256 colors take a quarter of the bytes."""
        file, small = io.BytesIO(), io.BytesIO()
        self.figure.savefig(file, format="png", dpi=2 * _UNITS_PER_INCH, facecolor=LIGHT["surface"])
        PIL.Image.open(file).convert("RGB").quantize(256).save(small, "PNG", optimize=True)
        return small.getvalue()
