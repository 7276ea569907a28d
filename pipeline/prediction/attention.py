"""A sheet that shows, image by image, what each token looks at.

Axes: tokens, height, width.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL.Image
from matplotlib.figure import Figure

from components.report.palette import LIGHT
from components.report.pictures import shade
from pipeline.prediction.answers import Answer
from pipeline.prediction.images import Picture

_DPI = 100
_GAP = 12  # pixels between pictures
_TITLE = 48  # pixels above a row of pictures
_TOKENS_A_ROW = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """An image, what a model says of it, and what its tokens look at."""

    picture: Picture  # to be shown; all of the same size
    answer: Answer
    maps: np.ndarray  # [tokens, height, width]

    @property
    def square(self) -> PIL.Image.Image:
        """What is shown."""
        assert self.picture.square is not None
        return self.picture.square

    @property
    def title(self) -> str:
        """Says which image it is, and what it was taken for."""
        best = self.answer.choices[0]
        return f"{self.picture.name}: {best.name} {best.probability:.1%}"


def draw_sheet(looks: Sequence[Look], path: pathlib.Path) -> None:
    """Draws the images below each other, each beside itself as its tokens see it, as PNG.

    Where a token weighs patches less than the one that it weighs most, the picture goes dark; the scale begins at 0.

    Args:
        looks: At least one; all of the same model.
        path: Of the PNG.
    """
    side = looks[0].square.width
    width, height = measure_sheet(len(looks), len(looks[0].maps), side)
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=LIGHT["surface"])
    top = 0
    for look in looks:
        figure.text(_GAP / width, 1 - (top + 22) / height, look.title, fontsize=9, va="center", **_text("ink"))
        for row in range(_count_rows(len(look.maps))):
            first = row * _TOKENS_A_ROW
            for column, token in enumerate(range(first, min(first + _TOKENS_A_ROW, len(look.maps))), start=1):
                weights = look.maps[token]
                label = f"token {token + 1}: {weights.min():.3f} to {weights.max():.3f}"
                _place(figure, shade(look.square, weights), label, column, top)
            if row == 0:
                _place(figure, np.asarray(look.square), "", 0, top)
            top += _TITLE + side
    figure.savefig(path, format="png", dpi=_DPI)


def measure_sheet(images: int, tokens: int, side: int) -> tuple[int, int]:
    """Returns width and height of a sheet in pixels, given the side of a picture."""
    columns = 1 + min(tokens, _TOKENS_A_ROW)
    return _GAP + columns * (side + _GAP), images * _count_rows(tokens) * (_TITLE + side) + _GAP


def _count_rows(tokens: int) -> int:
    return -(-tokens // _TOKENS_A_ROW)


def _place(figure: Figure, pixels: np.ndarray, label: str, column: int, top: int) -> None:
    """Places a picture, to the pixel, in a column of the row that begins so many pixels from the top."""
    width, height = (round(inches * _DPI) for inches in figure.get_size_inches())
    side = len(pixels)
    left, upper = _GAP + column * (side + _GAP), top + _TITLE
    figure.figimage(pixels, xo=left, yo=height - upper - side, origin="upper")
    figure.text(left / width, 1 - (upper - 8) / height, label, fontsize=7, va="center", **_text("muted"))


def _text(color: str) -> dict[str, Any]:
    return {"color": LIGHT[color], "parse_math": False}  # a file's name may hold a $
