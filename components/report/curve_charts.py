"""Learning curves: of all trainings of the search, and of the final fit."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from components.artifacts.search_results import Curve
from components.artifacts.winner import Winner
from components.report import canvas
from components.report.marks import MARKS, rank_reducer
from components.report.palette import LIGHT


@canvas.styled
def draw_search_curves(curves: Sequence[Curve], winner: str) -> Markup:
    """Draws validation accuracy by epoch; the curves of the winning point stand out."""
    chart = canvas.Chart()
    axes = chart.axes[0, 0]
    for curve in sorted(curves, key=lambda curve: (rank_reducer(curve.reducer), curve.point, curve.seed)):
        mark = MARKS[curve.reducer]
        is_winner = curve.point == winner
        chart.plot(
            axes,
            f"{curve.point}, seed {curve.seed}: {curve.accuracies[-1]:.1%} after epoch {curve.epochs[-1]}",
            curve.epochs,
            curve.accuracies,
            marker=mark.marker,
            markersize=5 if is_winner else 3.5,
            color=LIGHT["ink"] if is_winner else mark.color,
            linewidth=2.4 if is_winner else 1.1,
            alpha=1 if is_winner else 0.75,
            zorder=4 if is_winner else 2 - mark.is_control,
            label="_" if is_winner else "control" if mark.is_control else mark.label,
        )
    axes.plot([], [], color=LIGHT["ink"], linewidth=2.4, label="winner")
    _finish(chart, "validation accuracy")
    best = max(curves, key=lambda curve: curve.accuracies[-1])
    return chart.to_svg(
        "trainings",
        "Learning curves of the search",
        f"Validation accuracy by epoch of {len(curves)} trainings. The highest final value is "
        f"{best.accuracies[-1]:.1%}, of {best.point} with seed {best.seed}.",
    )


@canvas.styled
def draw_final_fit(winner: Winner) -> Markup:
    """Draws the accuracy on train and valid images by epoch; a dot marks the exported weights."""
    chart = canvas.Chart()
    axes = chart.axes[0, 0]
    numbers = [epoch.epoch for epoch in winner.epochs]
    train, valid = zip(*((epoch.train_accuracy, epoch.valid_accuracy) for epoch in winner.epochs), strict=True)
    best = valid[numbers.index(winner.best_epoch)]
    axes.plot(numbers, train, "--", color=LIGHT["muted"], label="train, augmented images")
    axes.plot(numbers, valid, color=LIGHT["learner"], linewidth=2.2, label="valid")
    chart.plot(
        axes,
        f"Epoch {winner.best_epoch}: {best:.1%} on the valid split",
        winner.best_epoch,
        best,
        "o",
        color=LIGHT["learner"],
        markersize=8,
        markeredgecolor=LIGHT["surface"],
        label=f"exported: epoch {winner.best_epoch}",
        zorder=4,
    )
    _finish(chart, "accuracy")
    return chart.to_svg(
        "final-fit",
        "Learning curve of the final fit",
        f"Accuracy by epoch over {len(numbers)} epochs. The best on the valid split is {best:.1%} after epoch "
        f"{winner.best_epoch}. At the end it is {valid[-1]:.1%}, on augmented train images {train[-1]:.1%}.",
    )


def _finish(chart: canvas.Chart, accuracy: str) -> None:
    axes: Axes = chart.axes[0, 0]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(canvas.format_percent)
    axes.set_xlabel("epoch")
    axes.set_ylabel(accuracy)
    chart.add_legend(axes, handletextpad=0.4, columnspacing=1.1)
