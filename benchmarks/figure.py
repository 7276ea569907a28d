"""The figure of README.md, `docs/accuracy.svg`: test accuracy against compute, from the result files."""

import re
from typing import Any

from benchmarks.result import Result
from components.report import canvas
from components.report.marks import KERAS_EXAMPLE, MARKS, Mark
from components.report.palette import DARK, LIGHT
from models.macs import count_macs
from models.presets import PRESETS

_EXAMPLE = "56.5%"  # with 8 tokens, mean of 5 runs: keras-team/keras-io, examples/vision/token_learner.py
_RIGHT: dict[str, Any] = {"xytext": (7, -4), "textcoords": "offset points", "fontsize": 11, "color": LIGHT["ink"]}
_LEFT: dict[str, Any] = {**_RIGHT, "xytext": (-8, -4), "horizontalalignment": "right"}

Point = tuple[str, str, str]  # name, million MACs, and accuracy with its interval, such as "73.7% (72.8% to 74.6%)"


def read_points(results: dict[str, Result]) -> list[Point]:
    """Reads the points of `reducers`, the winner of `full_run` and the Keras example."""
    run = {row[0]: row[1] for row in results["full_run"].summary.tables[0].rows}
    mmacs = f"{count_macs(PRESETS['keras_example_8_tokens']).total / 1e6:.2f}"
    return [
        *((row[0], row[-2], row[1]) for row in results["reducers"].summary.tables[0].rows),
        (run["winner"], run["true MACs"].split()[0], run["test top-1, 10,000 images"]),
        ("Keras example", mmacs, _EXAMPLE),
    ]


@canvas.styled
def draw_figure(results: dict[str, Result]) -> str:
    """Draws an SVG that follows the reader's light or dark scheme, on a background of its own."""
    *compared, winner, example = points = read_points(results)
    chart = canvas.Chart((860, 350), columns=2, width_ratios=(3, 2))
    near, far = chart.axes[0]
    shift = 0.0
    for point in compared:
        mark = MARKS[point[0].partition("-")[0]]
        _plot(chart, near, point, mark, mark.label, shift if mark.is_control else 0)
        _plot(chart, far, point, mark, None)
        shift -= 0.22 * mark.is_control  # controls need equal compute: side by side, their intervals stay apart
    far.annotate("6 epochs, as on the left", (16.6, 70.5), color=LIGHT["ink"], fontsize=11)
    _plot(chart, far, winner, Mark(LIGHT["ink"], "*", ""), "60 epochs:")
    _plot(chart, far, example, KERAS_EXAMPLE, "Keras example\n20 epochs:")
    near.set(title="All trained alike: 6 epochs, 3 seeds", xlim=(4, 18))
    far.set(title="Other trainings, not comparable", xlim=(0, 125))
    for axes in (near, far):
        axes.set(xlabel="million multiply-accumulates an image", ylabel="test accuracy, %")
    words = "; ".join(f"{name}: {accuracy} with {mmacs} million" for name, mmacs, accuracy in points)
    svg = str(chart.to_svg("accuracy", "Test accuracy against compute", f"Multiply-accumulates an image: {words}."))
    colors = [";".join(f"--{role}:{color}" for role, color in scheme.items()) for scheme in (LIGHT, DARK)]
    style = f"svg{{{colors[0]};--font:sans-serif}}@media(prefers-color-scheme:dark){{svg{{{colors[1]}}}}}"
    background = '<rect width="100%" height="100%" fill="var(--surface)"/>'
    svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return svg.replace("</desc>", f"</desc><style>{style}</style>{background}", 1)


def _plot(chart: Any, axes: Any, point: Point, mark: Mark, label: str | None, shift: float = 0) -> None:
    name, mmacs, accuracy = point
    value, *interval = map(float, re.findall(r"([\d.]+)%", accuracy))
    place = float(mmacs) + shift
    axes.vlines(place, min(interval, default=value), max(interval, default=value), color=mark.color, linewidth=1.4)
    size = 15 if mark.marker == "*" else 8
    chart.plot(axes, f"{name}: {accuracy}", place, value, mark.marker, color=mark.color, markersize=size)
    if label:
        axes.annotate(
            f"{label} {value}", (place, value), **(_LEFT if mark.is_control or mark.marker == "D" else _RIGHT)
        )
