"""Image files as the network takes them.

Axes: height, width, channels.
"""

import dataclasses
import pathlib

import numpy as np
import PIL.Image

from pipeline.files import printable
from pipeline.image_files import read_rgb

_PREVIEW_SIDE = 128  # pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """An image and how it was changed."""

    name: str
    pixels: np.ndarray  # uint8 [height, width, channels]; the model resizes them
    note: str  # "" if the model takes the pixels of the file as they are
    preview: PIL.Image.Image  # the same square, for people


def read_picture(path: pathlib.Path, size: int) -> Picture:
    """Reads an image file: the middle square of its first frame, upright, in RGB.

    Args:
        path: Of the file.
        size: Height and width that the model resizes the square to, pixels.

    Raises:
        UnreadableError: It is not an image, or a damaged one.
    """
    image, notes = read_rgb(path)
    width, height = image.size
    side = min(image.size)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if image.size != (size, size):
        middle = "" if width == height else f", middle {side}x{side}"
        notes.append(f"{width}x{height}{middle}, resized to {size}x{size}")
    preview = square.resize((_PREVIEW_SIDE, _PREVIEW_SIDE), PIL.Image.Resampling.BICUBIC)
    return Picture(name=printable(path), pixels=np.asarray(square), note="; ".join(notes), preview=preview)
