"""The figure of README.md, `docs/accuracy.svg`: test accuracy against compute, from the result files."""

import dataclasses
from typing import Any

from benchmarks.result import Result
from benchmarks.trainings import measure_accuracy, read_candidates
from components.artifacts.verdict import Measure
from components.report import canvas
from components.report.marks import KERAS_EXAMPLE, MARKS, Mark
from components.report.palette import DARK, LIGHT
from components.trainer.search.selection import pool_seed_deviation
from models.macs import count_macs
from models.presets import PRESETS

_EXAMPLE = (
    0.5655  # top-1 with 8 tokens, mean of 5 runs of 20 epochs: keras-team/keras-io, examples/vision/token_learner.py
)
_RIGHT: dict[str, Any] = {"xytext": (8, -4), "textcoords": "offset points", "color": LIGHT["ink"]}
_LEFT: dict[str, Any] = {**_RIGHT, "xytext": (-8, -4), "horizontalalignment": "right"}
_ABOVE: dict[str, Any] = {**_LEFT, "xytext": (-4, 8)}

Point = tuple[str, float, Measure]  # name, million MACs, and accuracy, 0..1; without an interval low and high are equal


def read_points(results: dict[str, Result]) -> list[Point]:
    """Reads the points of `reducers`, the winner of `full_run` and the Keras example with 8 tokens."""
    candidates = read_candidates(results["reducers"].rows)
    deviation = pool_seed_deviation(candidates)
    assert deviation is not None
    run, example_macs = results["full_run"].rows[0], count_macs(PRESETS["keras_example_8_tokens"]).total
    winner = run["winner"]
    return [
        *((each.name, each.macs / 1e6, measure_accuracy(each, deviation)) for each in candidates),
        (winner["point"], winner["macs"]["total"] / 1e6, Measure(**run["verdict"]["accuracy"])),
        ("Keras example", example_macs / 1e6, Measure(value=_EXAMPLE, low=_EXAMPLE, high=_EXAMPLE)),
    ]


@canvas.styled
def draw_figure(results: dict[str, Result]) -> str:
    """Draws an SVG that follows the reader's light or dark scheme, on a background of its own."""
    *compared, winner, example = points = read_points(results)
    chart = canvas.Chart((440, 490), rows=2, height_ratios=(3, 2))  # so narrow that a phone can show it
    near, far = chart.axes[:, 0]
    shift = 0.0
    for point in compared:
        mark = MARKS[point[0].partition("-")[0]]
        _plot(chart, near, point, mark, mark.label, shift if mark.is_control else 0)
        _plot(chart, far, point, mark, None)
        shift -= 0.22 * mark.is_control  # controls need equal compute: side by side, their intervals stay apart
    far.annotate("6 epochs, as above", (18, 71.5), color=LIGHT["ink"])
    _plot(chart, far, winner, Mark(LIGHT["ink"], "*", ""), "60 epochs:")
    _plot(chart, far, example, KERAS_EXAMPLE, "Keras example, 20 epochs:")
    near.set(title="All trained alike: 6 epochs, 3 seeds", xlim=(0, 18))
    far.set(title="Other trainings, not comparable", xlim=(0, 90))
    for axes in (near, far):
        axes.set(xlabel="million multiply-accumulates an image", ylabel="test accuracy, %")
    words = "; ".join(f"{_describe(point)} with {point[1]:.2f} million" for point in points)
    svg = str(chart.to_svg("accuracy", "Test accuracy against compute", f"Multiply-accumulates an image: {words}."))
    colors = [";".join(f"--{role}:{color}" for role, color in scheme.items()) for scheme in (LIGHT, DARK)]
    style = f"svg{{{colors[0]};--font:sans-serif}}@media(prefers-color-scheme:dark){{svg{{{colors[1]}}}}}"
    background = '<rect width="100%" height="100%" fill="var(--surface)"/>'
    svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="560" ', 1)
    return svg.replace("</desc>", f"</desc><style>{style}</style>{background}", 1)


def _describe(point: Point) -> str:
    value, low, high = (f"{share:.1%}" for share in dataclasses.astuple(point[2]))
    return f"{point[0]}: {value}" + (f" ({low} to {high})" if low != high else "")


def _plot(chart: Any, axes: Any, point: Point, mark: Mark, label: str | None, shift: float = 0) -> None:
    value, low, high = (100 * share for share in dataclasses.astuple(point[2]))
    place = point[1] + shift
    axes.vlines(place, low, high, color=mark.color, linewidth=1.4)
    size = 15 if mark.marker == "*" else 8
    chart.plot(axes, _describe(point), place, value, mark.marker, color=mark.color, markersize=size)
    if label:
        style = _LEFT if mark.is_control else _ABOVE if mark.marker in "Dd" else _RIGHT
        axes.annotate(f"{label} {value:.1f}", (place, value), **style)
