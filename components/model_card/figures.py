"""Figures: the pictures of a card, as PNG."""

import dataclasses
import io
import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components import features
from components.evaluator.verdict import Predictions
from components.report import answers, canvas, pictures
from components.report.compute_chart import list_marks, plot_search
from components.report.palette import LIGHT
from components.report.search_results import SearchResults

_ROWS_OF_A_SORT = 3  # images that were got right, and as many that were not
_TILE = 50  # pixels a side of an image, as planned
_LABEL = 130  # pixels beside a row
_CHART = (640, 420)  # pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionPicture:
    """What the tokens look at, drawn over test images."""

    png: bytes
    right: int  # rows of images that the model got right, which come first
    wrong: int  # rows of the others
    mean_images: int  # behind the last row
    tokens: int
    patches: int
    effective_patches: float  # mean over the tokens
    fewest_patches: float  # of the token that chooses most
    most_patches: float


def draw_attention_picture(
    model: pathlib.Path, test_split: pathlib.Path, predictions: Predictions
) -> AttentionPicture | None:
    """Draws attention maps over the test images of which the model was surest, rightly and wrongly.

    Args:
        model: A SavedModel.
        test_split: Folder of TFRecords of raw tf.Examples.
        predictions: What the model answered.

    Returns:
        The picture; None if the model has not learned where to look.
    """
    selection = answers.select_images(predictions.candidate, predictions.labels, _ROWS_OF_A_SORT)
    positions = (*selection.right, *selection.wrong)
    records = pictures.read_records(test_split, [str(predictions.ids[position]) for position in positions])
    attention = pictures.read_attention(model, test_split, {name: record for name, (record, _) in records.items()})
    if attention is None:
        return None
    rows = []
    for position in positions:
        name = str(predictions.ids[position])
        rows.append((_describe(predictions, position), records[name][1], attention.maps[name]))
    mean = (f"mean of {attention.mean_images:,}\nimages", None, attention.mean)
    effective = attention.effective_patches
    return AttentionPicture(
        png=_draw_rows([*rows, mean]),
        right=len(selection.right),
        wrong=len(selection.wrong),
        mean_images=attention.mean_images,
        tokens=len(effective),
        patches=attention.mean[0].size,
        effective_patches=float(effective.mean()),
        fewest_patches=float(effective.min()),
        most_patches=float(effective.max()),
    )


def _describe(predictions: Predictions, position: int) -> str:
    label, probabilities = int(predictions.labels[position]), predictions.candidate[position]
    answer = int(probabilities.argmax())
    said = f"{features.CLASS_NAMES[answer]} {probabilities[answer]:.0%}"
    return said if answer == label else f"{said},\nis {features.CLASS_NAMES[label]}"


def _draw_rows(rows: Sequence[tuple[str, bytes | None, np.ndarray]]) -> bytes:
    """Draws a row for each (label, encoded image, maps): the image, then what each token looks at."""
    columns = 1 + len(rows[0][2])

    def fill(figure: Figure) -> None:
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (label, image, maps) in zip(axes, rows, strict=True):
            line[0].set_ylabel(label, rotation=0, ha="right", va="center", color=LIGHT["ink"])
            tiles = [image, *pictures.draw_attention(maps, image)]
            for each, tile in zip(line, tiles, strict=True):
                _show(each, tile)
        for number, each in enumerate(axes[0]):
            each.set_title(str(number) if number else "image", fontsize=11, color=LIGHT["muted"])

    return canvas.draw_png(fill, size=(_LABEL + columns * (_TILE + 8), 24 + len(rows) * (_TILE + 8)))


def _show(axes: Axes, tile: bytes | None) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if tile is not None:
        axes.imshow(np.asarray(PIL.Image.open(io.BytesIO(tile)).convert("RGB")))


def draw_search_picture(results: SearchResults) -> bytes:
    """Draws validation accuracy against compute, of all points that the search tried."""

    def fill(figure: Figure) -> None:
        axes = figure.subplots()
        plot_search(axes, results, canvas.Tips())
        figure.legend(handles=list_marks(results), loc="outside upper left", ncols=3, handletextpad=0.4)

    return canvas.draw_png(fill, size=_CHART)
