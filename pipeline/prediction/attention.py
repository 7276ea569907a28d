"""Draws what each token of a model looks at in images.

Axes: tokens, height, width.
"""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
from matplotlib.figure import Figure

from components.report.palette import LIGHT
from components.report.pictures import shade

_DPI = 100
_GAP = 12  # pixels between pictures
_TITLE = 48  # pixels above a row of pictures
_TOKENS_PER_ROW = 8


def draw_sheet(images: Sequence[tuple[str, PIL.Image.Image, np.ndarray]], path: pathlib.Path) -> None:
    """Draws the images below each other, each followed by a copy for each token, as PNG.

    A copy is gray where the token weighs patches with 0, and yellow at its greatest weight.

    Args:
        images: Title, image and weights of patches, [tokens, height, width]; at least one, all of the same size.
        path: Of the PNG.
    """
    _, image, maps = images[0]
    side, tokens = image.width, len(maps)
    rows = math.ceil(tokens / _TOKENS_PER_ROW)  # for each image
    width = _GAP + (1 + min(tokens, _TOKENS_PER_ROW)) * (side + _GAP)
    height = len(images) * rows * (_TITLE + side) + _GAP
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=LIGHT["surface"])

    def place(pixels: np.ndarray, label: str, row: int, column: int) -> None:
        left, top = _GAP + column * (side + _GAP), _TITLE + row * (_TITLE + side)
        figure.figimage(pixels, xo=left, yo=height - top - side, origin="upper")
        size, color, y = (7, "muted", top - 8) if column else (9, "ink", top - 26)
        text = figure.text(left / width, 1 - y / height, label, fontsize=size, color=LIGHT[color], va="center")
        text.set_parse_math(False)  # names of files may contain $

    for index, (title, image, maps) in enumerate(images):
        place(np.asarray(image), title, index * rows, 0)
        for token, weights in enumerate(maps):
            row, column = divmod(token, _TOKENS_PER_ROW)
            label = f"token {token + 1}: {weights.min():.3f} to {weights.max():.3f}"
            place(shade(image, weights), label, index * rows + row, 1 + column)
    figure.savefig(path, format="png", dpi=_DPI)
