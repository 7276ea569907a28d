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
from components.artifacts.predictions import stream_predictions
from components.artifacts.search_results import SearchResults
from components.report import canvas, pictures
from components.report.compute_chart import list_marks, plot_search
from components.report.palette import LIGHT
from components.report.selection import Prediction, select_images

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
    model: pathlib.Path, test_split: pathlib.Path, verdict: pathlib.Path
) -> AttentionPicture | None:
    """Draws attention maps over test images that the model is most confident about, right and wrong.

    Args:
        model: A SavedModel.
        test_split: Folder of TFRecords of raw tf.Examples.
        verdict: Folder with its predictions.

    Returns:
        The picture; None if the model has not learned where to look.
    """
    selection = select_images(stream_predictions(verdict), _ROWS_OF_A_SORT)
    shown = (*selection.right, *selection.wrong)
    records = pictures.read_records(test_split, [image.example_id for image in shown])
    attention = pictures.read_attention(model, test_split, {name: record for name, (record, _) in records.items()})
    if attention is None:
        return None
    rows = [(_describe(image), records[image.example_id][1], attention.maps[image.example_id]) for image in shown]
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


def _describe(image: Prediction) -> str:
    predicted = int(image.candidate.argmax())
    text = f"{features.CLASS_NAMES[predicted]} {image.candidate[predicted]:.0%}"
    return text if predicted == image.label else f"{text},\nis {features.CLASS_NAMES[image.label]}"


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
