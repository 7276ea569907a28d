"""The chart of test accuracy against compute of the winner and the published points of the Keras example."""

import dataclasses
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from components.artifacts.search_results import SearchResults
from components.artifacts.verdict import Measure
from components.report import canvas
from components.report.compute_chart import MMACS, label_axes
from components.report.marks import KERAS_EXAMPLE
from components.report.palette import LIGHT
from models.macs import count_macs
from models.presets import PRESETS

EXAMPLE_CONDITIONS = "trained for 20 epochs on 40,000 images, mean of 5 runs"


@dataclasses.dataclass(frozen=True)
class _PublishedPoint:
    preset: str
    label: str
    accuracy: float  # top-1 on the test images, 0..1

    @property
    def mmacs(self) -> float:
        """True multiply-accumulates per image, in millions; the example's own figures leave out the attention."""
        return count_macs(PRESETS[self.preset]).total / 1e6


# keras-team/keras-io, examples/vision/token_learner.py; without reducer the mean of its 56.11 and 56.37%.
PUBLISHED = (
    _PublishedPoint("keras_example_4_tokens", "4 tokens", 0.5650),
    _PublishedPoint("keras_example_8_tokens", "8 tokens", 0.5655),
    _PublishedPoint("keras_example", "no reducer", 0.5624),
    _PublishedPoint("keras_example_8_blocks", "no reducer, 8 blocks", 0.5536),
)
_LABEL: dict[str, Any] = {"textcoords": "offset points", "color": LIGHT["ink"]}


@canvas.styled
def draw_comparison_chart(results: SearchResults, accuracy: Measure, conditions: str) -> Markup:
    """Draws test accuracy against compute.

    Args:
        results: Of the search.
        accuracy: Of the winner on the test split, after its final fit.
        conditions: Epochs and images of the final fit, in words.
    """
    chart = canvas.Chart()
    axes = chart.axes[0, 0]
    _plot_example(chart, axes)
    winner, mmacs = results.winner.point, results.winner.macs.total / 1e6
    interval = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
    axes.vlines(mmacs, accuracy.low, accuracy.high, color=LIGHT["ink"], linewidth=1.2, zorder=2)
    chart.plot(
        axes,
        f"The winner, {winner}: {accuracy.value:.1%} on the test split ({interval}), {conditions}",
        mmacs,
        accuracy.value,
        "*",
        color=LIGHT["ink"],
        markersize=17,
        markeredgecolor=LIGHT["surface"],
        zorder=4,
    )
    axes.annotate(f"winner {accuracy.value:.1%}", (mmacs, accuracy.value), xytext=(11, 3), fontweight="bold", **_LABEL)
    all_mmacs = [mmacs, *(published.mmacs for published in PUBLISHED)]
    axes.set_xscale("log")
    axes.set_xlim(min(all_mmacs) / 1.25, max(all_mmacs) * 1.25)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    label_axes(axes, "test accuracy")
    example = "; ".join(f"{p.label} {p.accuracy:.1%} at {p.mmacs:.1f} million" for p in PUBLISHED)
    return chart.to_svg(
        "comparison",
        "Test accuracy of the winner and of the Keras example against compute",
        f"Against {MMACS}, on a logarithmic axis. The winner, {winner}, reaches {accuracy.value:.1%} on the test split "
        f"({interval}; {conditions}) with {mmacs:.2f} million. The Keras example ({EXAMPLE_CONDITIONS}): {example}.",
    )


def _plot_example(chart: canvas.Chart, axes: Axes) -> None:
    for published in PUBLISHED:
        chart.plot(
            axes,
            f"Keras example, {published.label}: {published.accuracy:.2%}, {EXAMPLE_CONDITIONS}; "
            f"{published.mmacs:.1f} million MACs",
            published.mmacs,
            published.accuracy,
            KERAS_EXAMPLE.marker,
            markersize=8,
            color="none",
            markeredgecolor=KERAS_EXAMPLE.color,
            markeredgewidth=1.6,
            zorder=3,
        )
    center = sum(published.mmacs for published in PUBLISHED[:3]) / 3, min(point.accuracy for point in PUBLISHED)
    axes.annotate("Keras example", center, xytext=(0, -18), horizontalalignment="center", **_LABEL)
