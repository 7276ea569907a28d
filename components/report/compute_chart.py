"""The chart of accuracy against compute that shows the search from near, and the legend of both."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from components.artifacts.search_results import Point, SearchResults, find_front
from components.report import canvas
from components.report.marks import KERAS_EXAMPLE, find_mark, rank_reducer
from components.report.palette import LIGHT

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

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        plot_search(axes, results, tips)

    return canvas.draw(
        name,
        plot,
        title="Validation accuracy of the search's trials against compute",
        description=describe_search(results),
        size=size,
    )


def plot_search(axes: Axes, results: SearchResults, tips: canvas.Tips) -> None:
    """Plots every point of a search, how sure its accuracy is, and the Pareto front."""
    points = results.points
    last = max(point.epochs for point in points)
    _plot_front(axes, _find_last_front(results), max(point.macs for point in points))
    for point in points:
        if point.epochs == last:
            noise = results.noise(point)
            axes.plot(
                [point.macs / 1e6] * 2,
                [point.accuracy - noise, point.accuracy + noise],
                color=find_mark(point.reducer).color,
                linewidth=1.2,
                alpha=0.4,
                zorder=2,
            )
    _plot_points(axes, points, last, tips, winner=results.winner.point)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_ylabel("validation accuracy")
    finish(axes)


def describe_search(results: SearchResults) -> str:
    """Says what `plot_search` shows, for those who do not see it."""
    front = _find_last_front(results)
    words = ", ".join(f"{p.name} ({p.accuracy:.1%} at {p.macs / 1e6:.2f} million)" for p in front)
    epochs = _count_epochs(front[0].epochs)
    return f"{len(results.points)} trials against {MMACS}. On the Pareto front after {epochs}: {words}."


def _count_epochs(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _find_last_front(results: SearchResults) -> tuple[Point, ...]:
    last = max(point.epochs for point in results.points)
    return find_front(point for point in results.points if point.epochs == last)


def draw_legend(results: SearchResults, *, name: str, size: tuple[int, int], columns: int) -> Markup:
    """Draws what colors and shapes mean on both charts.

    Args:
        results: Of the search.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.
        columns: How many entries stand beside each other.

    Returns:
        An SVG element.
    """
    handles = list_marks(
        results,
        _make_handle("*", LIGHT["ink"], LIGHT["ink"], "winner, final fit"),
        _make_handle(KERAS_EXAMPLE.marker, "none", KERAS_EXAMPLE.color, KERAS_EXAMPLE.label),
    )

    def plot(all_axes: Sequence[Axes], _: canvas.Tips) -> None:
        [axes] = all_axes
        axes.axis("off")
        axes.legend(handles=handles, loc="center left", ncols=columns, handletextpad=0.4, borderpad=0, borderaxespad=0)

    return canvas.draw(
        name, plot, title="Legend", description="; ".join(str(handle.get_label()) for handle in handles), size=size
    )


def list_marks(results: SearchResults, *others: Line2D) -> list[Line2D]:
    """Returns what stands in the legend of a chart: reducers, others, Pareto front."""
    marks = [find_mark(reducer) for reducer in sorted({p.reducer for p in results.points}, key=rank_reducer)]
    handles = [_make_handle(mark.marker, mark.color, mark.color, mark.label) for mark in marks]
    return [*handles, *others, Line2D([], [], color=LIGHT["muted"], linewidth=1.4, label="Pareto front")]


def _make_handle(marker: str, face: str, edge: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, color=face, markeredgecolor=edge, linestyle="none", markersize=8, label=label)


def _plot_front(axes: Axes, front: Sequence[Point], most_macs: int) -> None:
    axes.plot(
        [*(point.macs / 1e6 for point in front), most_macs / 1e6],
        [*(point.accuracy for point in front), front[-1].accuracy],
        color=LIGHT["muted"],
        linewidth=1.4,
        drawstyle="steps-post",
        zorder=1,
    )


def _plot_points(axes: Axes, points: Sequence[Point], last: int, tips: canvas.Tips, *, winner: str) -> None:
    """Plots trials; those with `last` epochs large, the winner's ringed."""
    for point in sorted(points, key=lambda point: rank_reducer(point.reducer), reverse=True):  # learned ones on top
        mark = find_mark(point.reducer)
        is_last = point.epochs == last
        is_winner = is_last and point.name == winner
        [drawn] = axes.plot(
            point.macs / 1e6,
            point.accuracy,
            mark.marker,
            color=mark.color,
            markersize=10 if is_winner else 7.5 if is_last else 5.5,
            alpha=1 if is_last else 0.4,
            markeredgecolor=LIGHT["ink"] if is_winner else LIGHT["surface"],
            markeredgewidth=1.8 if is_winner else 0.7,
            zorder=4 if is_winner else 3,
        )
        tips.add(
            drawn,
            f"{point.name}: {point.accuracy:.1%} on the valid split after {_count_epochs(point.epochs)}, "
            f"{point.macs / 1e6:.2f} million MACs",
        )


def finish(axes: Axes) -> None:
    """Labels the axes."""
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(MMACS)
    axes.margins(y=0.1)
