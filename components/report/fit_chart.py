"""The learning curve of the final fit."""

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from components.artifacts.winner import Winner
from components.report import canvas
from components.report.palette import LIGHT


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
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(canvas.format_percent)
    axes.set(xlabel="epoch", ylabel="accuracy")
    chart.add_legend(axes, handletextpad=0.4, columnspacing=1.1)
    return chart.to_svg(
        "final-fit",
        "Learning curve of the final fit",
        f"Accuracy by epoch over {len(numbers)} epochs. The best on the valid split is {best:.1%} after epoch "
        f"{winner.best_epoch}. At the end it is {valid[-1]:.1%}, on augmented train images {train[-1]:.1%}.",
    )
