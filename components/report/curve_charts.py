"""The charts of learning: the rungs of the search, and the final fit."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from components.artifacts.epoch import Epoch
from components.artifacts.search_results import Curve
from components.report import canvas
from components.report.marks import find_mark, rank_reducer
from components.report.palette import LIGHT


def draw_search_curves(curves: Sequence[Curve], *, winner: str, name: str, size: tuple[int, int]) -> Markup:
    """Draws the validation accuracy of every training of a search.

    Args:
        curves: Of `search_results.trace_curves`.
        winner: Name of the point that stands out.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        labeled = set()
        for curve in sorted(curves, key=lambda curve: (rank_reducer(curve.reducer), curve.point, curve.seed)):
            mark = find_mark(curve.reducer)
            label = "control" if mark.is_control else mark.label
            is_winner = curve.point == winner
            [line] = axes.plot(
                curve.epochs,
                curve.accuracies,
                marker=mark.marker,
                markersize=5 if is_winner else 3.5,
                color=LIGHT["ink"] if is_winner else mark.color,
                linewidth=2.4 if is_winner else 1.1,
                alpha=1 if is_winner else 0.75,
                zorder=4 if is_winner else 2 - mark.is_control,
                label="_" if label in labeled or is_winner else label,
            )
            labeled |= set() if is_winner else {label}
            tips.add(
                line, f"{curve.point}, seed {curve.seed}: {curve.accuracies[-1]:.1%} after epoch {curve.epochs[-1]}"
            )
        axes.plot([], [], color=LIGHT["ink"], linewidth=2.4, label="winner")
        _finish(axes, "validation accuracy")

    best = max(curves, key=lambda curve: curve.accuracies[-1])
    return canvas.draw(
        name,
        plot,
        title="Learning curves of the search",
        description=f"Validation accuracy by epoch of {len(curves)} trainings. The highest end, "
        f"{best.accuracies[-1]:.1%}, is that of {best.point}, seed {best.seed}.",
        size=size,
    )


def draw_final_fit(epochs: Sequence[Epoch], *, best_epoch: int, name: str, size: tuple[int, int]) -> Markup:
    """Draws the accuracy of the final fit on train and valid images.

    Args:
        epochs: Of the final fit.
        best_epoch: Whose weights were exported.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """
    numbers = [epoch.epoch for epoch in epochs]
    best = next(epoch for epoch in epochs if epoch.epoch == best_epoch)

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        axes.plot(
            numbers, [e.train_accuracy for e in epochs], "--", color=LIGHT["muted"], label="train, augmented images"
        )
        axes.plot(numbers, [e.valid_accuracy for e in epochs], color=LIGHT["learner"], linewidth=2.2, label="valid")
        [dot] = axes.plot(
            best_epoch, best.valid_accuracy, "o", color=LIGHT["learner"], markersize=8,
            markeredgecolor=LIGHT["surface"], label=f"exported: epoch {best_epoch}", zorder=4,
        )  # fmt: skip
        tips.add(dot, f"Epoch {best_epoch}: {best.valid_accuracy:.1%} on the valid split")
        _finish(axes, "accuracy")

    return canvas.draw(
        name,
        plot,
        title="Learning curve of the final fit",
        description=f"Accuracy by epoch over {len(epochs)} epochs. The best on the valid split is "
        f"{best.valid_accuracy:.1%} after epoch {best_epoch}; at the end it is {epochs[-1].valid_accuracy:.1%}, "
        f"on augmented train images {epochs[-1].train_accuracy:.1%}.",
        size=size,
    )


def _finish(axes: Axes, label: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.figure.legend(loc="outside upper left", ncols=3, handletextpad=0.4, columnspacing=1.1)
