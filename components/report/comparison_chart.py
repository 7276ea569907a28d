"""The chart of accuracy against compute that shows the winner beside the Keras example."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from components.report import canvas
from components.report.compute_chart import MMACS, finish, plot_points
from components.report.keras_example import CONDITIONS, PUBLISHED_POINTS
from components.report.marks import KERAS_EXAMPLE
from components.report.palette import LIGHT
from components.report.search_results import SearchResults

_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # million multiply-accumulates


def draw_comparison_chart(results: SearchResults, *, name: str, size: tuple[int, int]) -> Markup:
    """Draws the winner after its final fit beside the trials and the published points of the Keras example.

    Args:
        results: Of the search.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """
    points = results.points
    last = max(point.epochs for point in points)

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        plot_points(axes, points, last, tips, winner=None)
        _plot_example(axes, tips)
        _plot_winner(axes, results, tips)
        _set_log(axes, [macs / 1e6 for macs in (*(p.macs for p in points), *(p.macs for p in PUBLISHED_POINTS))])
        axes.set_ylabel("accuracy")
        finish(axes)

    published = "; ".join(f"{p.label} {p.accuracy:.1%} at {p.macs / 1e6:.1f} million" for p in PUBLISHED_POINTS)
    return canvas.draw(
        name,
        plot,
        title="Accuracy of the winner and of the Keras example against compute",
        description=f"Against {MMACS}, on a logarithmic axis. The winner, {results.winner['point']}, "
        f"reaches {results.winner['valid_accuracy']:.1%} on the valid split with "
        f"{results.winner['macs']['total'] / 1e6:.2f} million. The Keras example ({CONDITIONS}): {published}.",
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
            markeredgecolor=KERAS_EXAMPLE.colour,
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


def _plot_winner(axes: Axes, results: SearchResults, tips: canvas.Tips) -> None:
    winner = results.winner
    mmacs, accuracy = winner["macs"]["total"] / 1e6, winner["valid_accuracy"]
    of_search = [point.accuracy for point in results.points if point.name == winner["point"]]
    if of_search:
        axes.plot([mmacs] * 2, [max(of_search), accuracy], ":", color=LIGHT["ink"], linewidth=1.2, zorder=2)
    [star] = axes.plot(
        mmacs, accuracy, "*", color=LIGHT["ink"], markersize=17, markeredgecolor=LIGHT["surface"], zorder=4
    )
    tips.add(
        star,
        f"The winner, {winner['point']}: {accuracy:.1%} on the valid split after the final fit of "
        f"{len(winner['epochs'])} epochs",
    )
    axes.annotate(
        f"winner {accuracy:.1%}",
        (mmacs, accuracy),
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
