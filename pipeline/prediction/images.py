"""Image files as the network takes them.

Axes: height, width, channels.
"""

import dataclasses
import pathlib

import numpy as np
import PIL.Image

from components import features
from pipeline.files import printable
from pipeline.image_files import read_rgb

_SIDE = features.IMAGE_SHAPE[0]
_PREVIEW_SIDE = 128  # pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """An image and how it was changed."""

    name: str
    pixels: np.ndarray  # uint8 [height, width, channels]
    note: str  # "" if the pixels are those of the file
    preview: PIL.Image.Image  # the same square with more pixels, for people


def read_picture(path: pathlib.Path) -> Picture:
    """Reads an image file: the middle square of its first frame, upright, in RGB, as 32x32 pixels.

    Raises:
        UnreadableError: It is not an image, or a damaged one.
    """
    image, notes = read_rgb(path)
    width, height = image.size
    side = min(image.size)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if image.size != (_SIDE, _SIDE):
        middle = "" if width == height else f", middle {side}x{side}"
        notes.append(f"{width}x{height}{middle}, resized to {_SIDE}x{_SIDE}")
    pixels, preview = (square.resize((size, size), PIL.Image.Resampling.BICUBIC) for size in (_SIDE, _PREVIEW_SIDE))
    return Picture(name=printable(path), pixels=np.asarray(pixels), note="; ".join(notes), preview=preview)
