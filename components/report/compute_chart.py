"""The chart of accuracy against compute that shows the search from near, and the legend of both."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from components.report import canvas
from components.report.marks import KERAS_EXAMPLE, find_mark, rank_reducer
from components.report.palette import LIGHT
from components.report.search_results import Point, SearchResults, find_front

MMACS = "million multiply-accumulates an image"


def draw_search_chart(results: SearchResults, *, name: str, size: tuple[int, int]) -> Markup:
    """Draws every point of a search, how sure its accuracy is, and the Pareto front.

    Args:
        results: Of the search.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """
    points = results.points
    last = max(point.epochs for point in points)
    front = find_front(point for point in points if point.epochs == last)

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        _plot_front(axes, front, max(point.macs for point in points))
        for point in points:
            if point.epochs == last:
                noise = results.noise(point)
                axes.plot(
                    [point.macs / 1e6] * 2,
                    [point.accuracy - noise, point.accuracy + noise],
                    color=find_mark(point.reducer).colour,
                    linewidth=1.2,
                    alpha=0.4,
                    zorder=2,
                )
        plot_points(axes, points, last, tips, winner=results.winner["point"])
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set_ylabel("validation accuracy")
        finish(axes)

    front_words = ", ".join(f"{p.name} ({p.accuracy:.1%} at {p.macs / 1e6:.2f} million)" for p in front)
    return canvas.draw(
        name,
        plot,
        title="Validation accuracy of the search's trials against compute",
        description=f"{len(points)} trials against {MMACS}. On the Pareto front after {last} epochs: {front_words}.",
        size=size,
    )


def draw_legend(results: SearchResults, *, name: str, size: tuple[int, int], columns: int) -> Markup:
    """Draws what colours and shapes mean on both charts.

    Args:
        results: Of the search.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.
        columns: How many entries stand beside each other.

    Returns:
        An SVG element.
    """
    marks = [find_mark(reducer) for reducer in sorted({p.reducer for p in results.points}, key=rank_reducer)]
    entries = [(mark.marker, mark.colour, mark.colour, mark.label) for mark in marks]
    entries += [
        ("*", LIGHT["ink"], LIGHT["ink"], "winner, final fit"),
        (KERAS_EXAMPLE.marker, "none", KERAS_EXAMPLE.colour, KERAS_EXAMPLE.label),
    ]
    handles = [
        Line2D([], [], marker=marker, color=face, markeredgecolor=edge, linestyle="none", markersize=8, label=label)
        for marker, face, edge, label in entries
    ]
    handles.append(Line2D([], [], color=LIGHT["muted"], linewidth=1.4, label="Pareto front"))

    def plot(all_axes: Sequence[Axes], _: canvas.Tips) -> None:
        [axes] = all_axes
        axes.axis("off")
        axes.legend(handles=handles, loc="center left", ncols=columns, handletextpad=0.4, borderpad=0, borderaxespad=0)

    return canvas.draw(
        name, plot, title="Legend", description="; ".join(entry[-1] for entry in entries) + "; Pareto front", size=size
    )


def _plot_front(axes: Axes, front: Sequence[Point], most_macs: int) -> None:
    axes.plot(
        [*(point.macs / 1e6 for point in front), most_macs / 1e6],
        [*(point.accuracy for point in front), front[-1].accuracy],
        color=LIGHT["muted"],
        linewidth=1.4,
        drawstyle="steps-post",
        zorder=1,
    )


def plot_points(axes: Axes, points: Sequence[Point], last: int, tips: canvas.Tips, *, winner: str | None) -> None:
    """Plots trials; those with `last` epochs large, the winner's ringed."""
    for point in sorted(points, key=lambda point: rank_reducer(point.reducer), reverse=True):  # learnt ones on top
        mark = find_mark(point.reducer)
        is_last = point.epochs == last
        is_winner = is_last and point.name == winner
        [drawn] = axes.plot(
            point.macs / 1e6,
            point.accuracy,
            mark.marker,
            color=mark.colour,
            markersize=10 if is_winner else 7.5 if is_last else 5.5,
            alpha=1 if is_last else 0.4,
            markeredgecolor=LIGHT["ink"] if is_winner else LIGHT["surface"],
            markeredgewidth=1.8 if is_winner else 0.7,
            zorder=4 if is_winner else 3,
        )
        epochs = "1 epoch" if point.epochs == 1 else f"{point.epochs} epochs"
        tips.add(
            drawn,
            f"{point.name}: {point.accuracy:.1%} on the valid split after {epochs}, "
            f"{point.macs / 1e6:.2f} million MACs",
        )


def finish(axes: Axes) -> None:
    """Labels the axes."""
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(MMACS)
    axes.margins(y=0.1)
