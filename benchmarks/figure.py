"""The figure of README.md, `docs/accuracy.svg`: test accuracy against compute, from the result files."""

import re
from typing import Any

from benchmarks.result import Result, Row
from components.report import canvas
from components.report.marks import KERAS_EXAMPLE, MARKS, Mark
from components.report.palette import DARK, LIGHT
from models.macs import count_macs
from models.presets import PRESETS

_EXAMPLE = 56.5  # test top-1, %, with 8 tokens: keras-team/keras-io, examples/vision/token_learner.py, mean of 5 runs
_ROOM: dict[str, Any] = {"xytext": (7, -4), "textcoords": "offset points", "fontsize": 11, "color": LIGHT["ink"]}
_LEFT: dict[str, Any] = {**_ROOM, "xytext": (-8, -4), "horizontalalignment": "right"}


def _read_accuracy(cell: str) -> tuple[float, float, float]:
    """Returns accuracy and interval, %, of a cell such as "73.7% (72.8% to 74.6%)"."""
    value, low, high = map(float, re.findall(r"([\d.]+)%", cell))
    return value, low, high


def read_points(results: dict[str, Result]) -> list[Row]:
    """Reads the points of the figure: those of `reducers`, then the winner of `full_run`, then the Keras example."""
    table = results["reducers"].summary.tables[0]
    points = [
        {"name": row[0], "accuracy": _read_accuracy(row[1]), "mmacs": float(row[-2]), "trained": table.title}
        for row in table.rows
    ]
    run: dict[str, str] = {row[0]: row[1] for row in results["full_run"].summary.tables[0].rows}
    accuracy, mmacs = _read_accuracy(run["test top-1, 10,000 images"]), float(run["true MACs"].removesuffix(" million"))
    points.append({"name": run["winner"], "accuracy": accuracy, "mmacs": mmacs, "trained": "60 epochs"})
    example = count_macs(PRESETS["keras_example_8_tokens"]).total / 1e6
    return [*points, {"name": "Keras example", "accuracy": (_EXAMPLE,) * 3, "mmacs": example, "trained": "20 epochs"}]


@canvas.styled
def draw_figure(results: dict[str, Result]) -> str:
    """Draws an SVG that follows the reader's light or dark scheme, on a background of its own."""
    *compared, winner, example = read_points(results)
    chart = canvas.Chart((860, 350), columns=2, width_ratios=(3, 2))
    near, far = chart.axes[0]
    controls = 0
    for point in compared:
        mark = MARKS[point["name"].partition("-")[0]]
        shift = 0.22 * controls  # controls need equal compute: side by side, their intervals stay apart
        controls += mark.is_control
        shown = point | {"mmacs": point["mmacs"] - (shift if mark.is_control else 0)}
        _plot(chart, near, shown, mark, f"{mark.label} {point['accuracy'][0]:.1f}")
        _plot(chart, far, point, mark, "")
    far.annotate(
        "6 epochs, as on the left",
        (compared[0]["mmacs"], compared[0]["accuracy"][0]),
        **(_ROOM | {"xytext": (12, -18)}),
    )
    star = Mark(LIGHT["ink"], "*", "winner of full")
    _plot(chart, far, winner, star, f"{winner['accuracy'][0]:.1f}, {winner['trained']}")
    _plot(chart, far, example, KERAS_EXAMPLE, f"Keras example\n{_EXAMPLE}, {example['trained']}")
    near.set_xlim(4, 18)
    far.set_xlim(0, 125)
    near.set_title("All trained alike: 6 epochs, 3 seeds", fontsize=12)
    far.set_title("Other trainings, not comparable", fontsize=12)
    for axes in (near, far):
        axes.set(xlabel="million multiply-accumulates an image", ylabel="test accuracy, %")
    words = "; ".join(
        f"{each['name']} {each['accuracy'][0]} ({each['accuracy'][1]} to {each['accuracy'][2]}) at "
        f"{each['mmacs']:.2f} million ({each['trained']})"
        for each in (*compared, winner, example)
    )
    description = f"Test accuracy in percent, with 95 % intervals: {words}."
    svg = str(chart.to_svg("accuracy", "Test accuracy against compute", description))
    colors = [";".join(f"--{role}:{color}" for role, color in scheme.items()) for scheme in (LIGHT, DARK)]
    style = f"svg{{{colors[0]};--font:sans-serif}}@media(prefers-color-scheme:dark){{svg{{{colors[1]}}}}}"
    background = '<rect width="100%" height="100%" fill="var(--surface)"/>'
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(
        "</desc>", f"</desc><style>{style}</style>{background}", 1
    )


def _plot(chart: canvas.Chart, axes: canvas.Axes, point: Row, mark: Mark, label: str) -> None:
    value, low, high = point["accuracy"]
    axes.vlines(point["mmacs"], low, high, color=mark.color, linewidth=1.4)
    size = 15 if mark.marker == "*" else 8
    chart.plot(
        axes, f"{point['name']}: {value} %", point["mmacs"], value, mark.marker, color=mark.color, markersize=size
    )
    axes.annotate(label, (point["mmacs"], value), **(_LEFT if mark.is_control or mark.marker == "D" else _ROOM))
