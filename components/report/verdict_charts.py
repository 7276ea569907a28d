"""The charts of the evaluation: slices with their intervals, and calibration."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from components.artifacts.verdict import Bin, Measure, Scorecard, Slice
from components.report import canvas
from components.report.palette import LIGHT

_GROUPS = ("label", "brightness_quartile", "contrast_quartile")
_GAP = 0.8  # rows between groups


def draw_slices(candidate: Scorecard, baseline: Scorecard | None, *, name: str, size: tuple[int, int]) -> Markup:
    """Draws the accuracy of each slice with its interval.

    Args:
        candidate: The model.
        baseline: The one it is held against, if there is any.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """
    rows = _arrange(candidate.slices)
    others = {(s.feature, s.value): s.accuracy for s in baseline.slices} if baseline else {}
    overall = candidate.overall.accuracy

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        [axes] = all_axes
        axes.axvspan(overall.low, overall.high, color=LIGHT["line"], alpha=0.6, linewidth=0, label="all images")
        axes.axvline(overall.value, color=LIGHT["muted"], linewidth=1)
        for height, found in rows:
            other = others.get((found.feature, found.value))
            if other:
                _plot_measure(axes, height + 0.2, other, "baseline", tips, found.name)
            _plot_measure(axes, height - (0.15 if other else 0), found.accuracy, "candidate", tips, found.name)
        axes.set_yticks([height for height, _ in rows], [found.name for _, found in rows])
        axes.set_ylim(max(height for height, _ in rows) + 0.7, -0.7)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("test accuracy, with 95 % intervals")
        handles, labels = axes.get_legend_handles_labels()
        kept = dict(zip(labels, handles, strict=True))
        axes.figure.legend(kept.values(), kept.keys(), loc="outside upper left", ncols=3)

    ranked = sorted((found for _, found in rows), key=lambda found: found.accuracy.value)
    return canvas.draw(
        name,
        plot,
        title="Accuracy of slices",
        description=f"Test accuracy with 95 % intervals of {len(rows)} slices, overall {overall.value:.1%}. Lowest: "
        f"{ranked[0].name}, {ranked[0].accuracy.value:.1%}; "
        f"highest: {ranked[-1].name}, {ranked[-1].accuracy.value:.1%}.",
        size=size,
    )


def _arrange(slices: Sequence[Slice]) -> list[tuple[float, Slice]]:
    """Stacks the groups; classes by accuracy, quartiles in their order."""
    rows, height = [], 0.0
    for group in _GROUPS:
        inside = [found for found in slices if found.feature == group]
        inside.sort(key=lambda found: (-found.accuracy.value if group == "label" else 0, found.value))
        for found in inside:
            rows.append((height, found))
            height += 1
        height += _GAP
    return rows


def _plot_measure(axes: Axes, height: float, accuracy: Measure, label: str, tips: canvas.Tips, slice_name: str) -> None:
    is_candidate = label == "candidate"
    color = LIGHT["learner"] if is_candidate else LIGHT["control"]
    axes.plot([accuracy.low, accuracy.high], [height] * 2, color=color, linewidth=2 if is_candidate else 1.2)
    [dot] = axes.plot(
        accuracy.value, height, "o" if is_candidate else "D", color=color if is_candidate else LIGHT["surface"],
        markeredgecolor=color, markersize=6.5 if is_candidate else 4.5, label=label, linestyle="none",
    )  # fmt: skip
    tips.add(dot, f"{slice_name}, {label}: {accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%})")


def draw_calibration(bins: Sequence[Bin], *, name: str, size: tuple[int, int]) -> Markup:
    """Draws how often the model is right against how sure it is, and how many images that is about.

    Args:
        bins: Of the candidate.
        name: Tells its ids apart.
        size: Width and height, CSS pixels.

    Returns:
        An SVG element.
    """

    def plot(all_axes: Sequence[Axes], tips: canvas.Tips) -> None:
        above, below = all_axes
        above.plot([0, 1], [0, 1], "--", color=LIGHT["muted"], linewidth=1, label="perfectly calibrated")
        above.plot(
            [b.confidence for b in bins], [b.accuracy.value for b in bins], color=LIGHT["learner"], linewidth=1.4
        )
        for found in bins:
            low, high = found.accuracy.low, found.accuracy.high
            above.plot([found.confidence] * 2, [low, high], color=LIGHT["learner"], linewidth=1.6)
            [dot] = above.plot(found.confidence, found.accuracy.value, "o", color=LIGHT["learner"], markersize=6.5)
            tips.add(dot, f"{found.images} images {found.confidence:.0%} sure: {found.accuracy.value:.0%} right")
            below.bar(
                (found.low + found.high) / 2, found.images, width=0.9 * (found.high - found.low), color=LIGHT["control"]
            )
        above.set_ylabel("accuracy")
        below.set_ylabel("images")
        below.set_xlabel("probability of the most probable class")
        below.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        above.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        above.set(xlim=(0, 1), ylim=(0, 1))
        above.legend(loc="upper left")

    words = "; ".join(f"{b.images} images {b.confidence:.0%} sure, {b.accuracy.value:.0%} right" for b in bins)
    return canvas.draw(
        name,
        plot,
        title="Calibration",
        description=f"How often the model is right against how sure it is: {words}.",
        size=size,
        heights=(3, 1),
    )
