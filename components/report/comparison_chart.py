"""The chart of accuracy against compute that shows the winner beside the Keras example."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from components.artifacts.search_results import SearchResults
from components.artifacts.verdict import Measure
from components.report import canvas
from components.report.compute_chart import MMACS, finish
from components.report.keras_example import CONDITIONS, PUBLISHED_POINTS
from components.report.marks import KERAS_EXAMPLE
from components.report.palette import LIGHT

_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # million multiply-accumulates


def draw_comparison_chart(
    results: SearchResults, accuracy: Measure, conditions: str, *, name: str, size: tuple[int, int]
) -> Markup:
    """Draws test accuracies: the winner's after its final fit, and the published ones of the Keras example.

    Args:
        results: Of the search.
        accuracy: Of the winner, on the test split.
        conditions: How long and on how many images it was trained, in words.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        _plot_example(axes, tips)
        _plot_winner(axes, results, accuracy, conditions, tips)
        macs = (results.winner.macs.total, *(published.macs for published in PUBLISHED_POINTS))
        _set_log(axes, [each / 1e6 for each in macs])
        axes.set_ylabel("test accuracy")
        finish(axes)

    published = "; ".join(f"{p.label} {p.accuracy:.1%} at {p.macs / 1e6:.1f} million" for p in PUBLISHED_POINTS)
    return canvas.draw(
        name,
        plot,
        title="Test accuracy of the winner and of the Keras example against compute",
        description=f"Against {MMACS}, on a logarithmic axis. The winner, {results.winner.point}, "
        f"reaches {accuracy.value:.1%} on the test split ({accuracy.low:.1%} to {accuracy.high:.1%}; {conditions}) "
        f"with {results.winner.macs.total / 1e6:.2f} million. The Keras example ({CONDITIONS}): {published}.",
        size=size,
    )


def _plot_example(axes: Axes, tips: canvas.Tips) -> None:
    for published in PUBLISHED_POINTS:
        [drawn] = axes.plot(
            published.macs / 1e6,
            published.accuracy,
            KERAS_EXAMPLE.marker,
            markersize=8,
            color="none",
            markeredgecolor=KERAS_EXAMPLE.color,
            markeredgewidth=1.6,
            zorder=3,
        )
        tips.add(
            drawn,
            f"Keras example, {published.label}: {published.accuracy:.2%}, {CONDITIONS}; "
            f"{published.macs / 1e6:.1f} million MACs",
        )
    center = sum(published.macs / 1e6 for published in PUBLISHED_POINTS[:3]) / 3
    axes.annotate(
        "Keras example",
        (center, min(published.accuracy for published in PUBLISHED_POINTS)),
        xytext=(0, -18),
        textcoords="offset points",
        horizontalalignment="center",
        color=LIGHT["ink"],
    )


def _plot_winner(axes: Axes, results: SearchResults, accuracy: Measure, conditions: str, tips: canvas.Tips) -> None:
    mmacs = results.winner.macs.total / 1e6
    axes.plot([mmacs] * 2, [accuracy.low, accuracy.high], color=LIGHT["ink"], linewidth=1.2, zorder=2)
    [star] = axes.plot(
        mmacs, accuracy.value, "*", color=LIGHT["ink"], markersize=17, markeredgecolor=LIGHT["surface"], zorder=4
    )
    tips.add(
        star,
        f"The winner, {results.winner.point}: {accuracy.value:.1%} on the test split "
        f"({accuracy.low:.1%} to {accuracy.high:.1%}), {conditions}",
    )
    axes.annotate(
        f"winner {accuracy.value:.1%}",
        (mmacs, accuracy.value),
        xytext=(11, 3),
        textcoords="offset points",
        color=LIGHT["ink"],
        fontweight="bold",
    )


def _set_log(axes: Axes, mmacs: Sequence[float]) -> None:
    low, high = min(mmacs) / 1.25, max(mmacs) * 1.25
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in _TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
