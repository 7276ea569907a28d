"""Charts of the evaluation: accuracy of slices with intervals, and calibration."""

from collections.abc import Sequence

from markupsafe import Markup

from components.artifacts.verdict import Bin, Scorecard, Slice
from components.report import canvas
from components.report.palette import LIGHT

_GROUPS = ("label", "brightness_quartile", "contrast_quartile")
_GAP = 0.8  # rows between groups
_MOST_CLASSES = 20  # those with the lowest accuracy are shown
_MOST_LETTERS = 30  # of a name beside the chart; its tooltip has all of them
_LINES = {
    "candidate": {"color": LIGHT["learner"], "linewidth": 2},
    "baseline": {"color": LIGHT["control"], "linewidth": 1.2},
}
_MARKERS = {
    "candidate": {"marker": "o", "markersize": 6.5, "color": LIGHT["learner"], "markeredgecolor": LIGHT["learner"]},
    "baseline": {"marker": "D", "markersize": 4.5, "color": LIGHT["surface"], "markeredgecolor": LIGHT["control"]},
}


@canvas.styled
def draw_slices(candidate: Scorecard, baseline: Scorecard | None) -> Markup:
    """Draws the accuracy of slices of the candidate and of the last blessed model, with intervals."""
    rows = sorted(candidate.slices, key=_rank)
    rows = rows[max(0, sum(found.feature == "label" for found in rows) - _MOST_CLASSES) :]
    chart = canvas.Chart((420, 110 + 24 * len(rows)))
    axes = chart.axes[0, 0]
    overall = candidate.overall.accuracy
    axes.axvspan(overall.low, overall.high, color=LIGHT["line"], alpha=0.6, linewidth=0, label="all images")
    axes.axvline(overall.value, color=LIGHT["muted"], linewidth=1)
    heights = {(s.feature, s.value): row + _GAP * _GROUPS.index(s.feature) for row, s in enumerate(rows)}
    for model, scorecard, offset in (("baseline", baseline, 0.2), ("candidate", candidate, -0.15 if baseline else 0)):
        shown = [each for each in scorecard.slices if (each.feature, each.value) in heights] if scorecard else []
        for found in shown:
            height, accuracy = heights[found.feature, found.value] + offset, found.accuracy
            axes.hlines(height, accuracy.low, accuracy.high, **_LINES[model])
            chart.plot(
                axes,
                f"{found.name}, {model}: {accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%})",
                accuracy.value,
                height,
                label=model,
                linestyle="none",
                **_MARKERS[model],
            )
    axes.set_yticks(list(heights.values()), [_shorten(found.name) for found in rows])
    axes.set_ylim(max(heights.values()) + 0.7, -0.7)
    axes.xaxis.set_major_formatter(canvas.format_percent)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("test accuracy, with 95% intervals")
    chart.add_legend(axes)
    lowest, *_, highest = sorted(rows, key=lambda found: found.accuracy.value)
    return chart.to_svg(
        "slices",
        "Accuracy of slices",
        f"Test accuracy with 95% intervals of {len(heights)} slices, overall {overall.value:.1%}. Lowest: "
        f"{lowest.name}, {lowest.accuracy.value:.1%}; highest: {highest.name}, {highest.accuracy.value:.1%}.",
    )


def _shorten(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


def _rank(found: Slice) -> tuple[int, float]:
    """Returns the sort key of a row: classes by accuracy, then quartiles in their order."""
    group = _GROUPS.index(found.feature)
    return group, found.value if group else -found.accuracy.value


@canvas.styled
def draw_calibration(bins: Sequence[Bin]) -> Markup:
    """Draws accuracy against confidence, and the number of images of each bin below."""
    chart = canvas.Chart((420, 400), 2, sharex=True, height_ratios=(3, 1))
    above, below = chart.axes[:, 0]
    above.plot([0, 1], [0, 1], "--", color=LIGHT["muted"], linewidth=1, label="perfectly calibrated")
    above.plot([b.confidence for b in bins], [b.accuracy.value for b in bins], color=LIGHT["learner"], linewidth=1.4)
    words = []
    for found in bins:
        accuracy = found.accuracy
        words.append(f"{found.images} images {found.confidence:.0%} sure, {accuracy.value:.0%} correct")
        above.vlines(found.confidence, accuracy.low, accuracy.high, color=LIGHT["learner"], linewidth=1.6)
        style = {"color": LIGHT["learner"], "markersize": 6.5}
        chart.plot(above, words[-1], found.confidence, accuracy.value, "o", **style)
        width = 0.9 * (found.high - found.low)
        below.bar((found.low + found.high) / 2, found.images, width=width, color=LIGHT["control"])
    above.set_ylabel("accuracy")
    below.set_ylabel("images")
    below.set_xlabel("probability of the most probable class")
    below.xaxis.set_major_formatter(canvas.format_percent)
    above.yaxis.set_major_formatter(canvas.format_percent)
    above.set(xlim=(0, 1), ylim=(0, 1))
    above.legend(loc="upper left")
    return chart.to_svg("calibration", "Calibration", f"Accuracy against confidence: {'; '.join(words)}.")
