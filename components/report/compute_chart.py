"""The chart of validation accuracy against compute of a search."""

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from components.artifacts.search_results import Point, SearchResults, find_front
from components.report import canvas
from components.report.marks import MARKS
from components.report.palette import LIGHT
from models.search_space import NO_REDUCER

MMACS = "million multiply-accumulates per image"


@canvas.styled
def draw_search_chart(results: SearchResults, size: tuple[int, int]) -> canvas.Chart:
    """Draws every point of a search with its standard error, the Pareto front and a legend."""
    chart = canvas.Chart(size)
    _plot_search(chart, results)
    columns = max(2, size[0] // 200)
    chart.figure.legend(handles=list_marks(results), loc="outside upper left", ncols=columns, handletextpad=0.4)
    return chart


def _plot_search(chart: canvas.Chart, results: SearchResults) -> None:
    """Plots what `describe_search` describes; points with the most epochs are large, the winner has a ring."""
    axes = chart.axes[0, 0]
    front = _find_last_front(results)
    axes.step(
        [*(point.macs / 1e6 for point in front), max(point.macs for point in results.points) / 1e6],
        [*(point.accuracy for point in front), front[-1].accuracy],
        where="post",
        color=LIGHT["muted"],
        linewidth=1.4,
        zorder=1,
    )
    order = list(MARKS)  # of the legend; the first is drawn last, on top
    for point in sorted(results.points, key=lambda point: order.index(point.reducer), reverse=True):
        mark = MARKS[point.reducer]
        mmacs, noise = point.macs / 1e6, results.noise(point)
        is_last = point.epochs == front[0].epochs
        is_winner = is_last and point.name == results.winner.point
        if is_last:
            interval = (point.accuracy - noise, point.accuracy + noise)
            axes.vlines(mmacs, *interval, color=mark.color, linewidth=1.2, alpha=0.4, zorder=2)
        chart.plot(
            axes,
            f"{point.name}: {point.accuracy:.1%} on the valid split after {_count_epochs(point)}, "
            f"{mmacs:.2f} million MACs",
            mmacs,
            point.accuracy,
            mark.marker,
            color=mark.color,
            markersize=10 if is_winner else 7.5 if is_last else 5.5,
            alpha=1 if is_last else 0.4,
            markeredgecolor=LIGHT["ink"] if is_winner else LIGHT["surface"],
            markeredgewidth=1.8 if is_winner else 0.7,
            zorder=4 if is_winner else 3,
        )
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(canvas.format_percent)
    axes.set(xlabel=MMACS, ylabel="validation accuracy")
    axes.margins(y=0.1)


def describe_search(results: SearchResults) -> str:
    """Describes the chart for people who do not see it."""
    front = _find_last_front(results)
    words = ", ".join(f"{p.name} ({p.accuracy:.1%} at {p.macs / 1e6:.2f} million)" for p in front)
    return (
        f"{len(results.points)} trials against {MMACS}. On the Pareto front after {_count_epochs(front[0])}: {words}."
    )


def _count_epochs(point: Point) -> str:
    return "1 epoch" if point.epochs == 1 else f"{point.epochs} epochs"


def _find_last_front(results: SearchResults) -> tuple[Point, ...]:
    last = max(point.epochs for point in results.points)
    return find_front(point for point in results.points if point.epochs == last)


def list_marks(results: SearchResults) -> list[Line2D]:
    """Returns the entries of a legend: reducers, winner, Pareto front."""
    tried = {point.reducer for point in results.points}
    handles = [
        _make_handle(mark.marker, mark.color, mark.color, mark.label)
        for reducer, mark in MARKS.items()
        if reducer in tried
    ]
    handles.append(
        _make_handle(MARKS[results.winner.network.token_reducer or NO_REDUCER].marker, "none", LIGHT["ink"], "winner")
    )
    return [*handles, Line2D([], [], color=LIGHT["muted"], linewidth=1.4, label="Pareto front")]


def _make_handle(marker: str, face: str, edge: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, color=face, markeredgecolor=edge, linestyle="none", markersize=8, label=label)
