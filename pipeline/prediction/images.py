"""Image files, as the network takes them: any that Pillow reads.

Axes: height, width, channels.
"""

import dataclasses
import io
import pathlib
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps

from components import features
from pipeline.prediction.files import printable

_SIDE = features.IMAGE_SHAPE[0]
_PAPER = (255, 255, 255, 255)  # shines through what is transparent
_MAX_16_BITS = 65_535


class UnreadableError(Exception):
    """A file gave no image; the message says why, to stand behind the file's name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """An image and what was done to it."""

    name: str
    pixels: np.ndarray  # uint8 [height, width, channels]
    note: str  # "" if the pixels are those of the file
    square: PIL.Image.Image | None  # the same with more pixels, to be shown

    def encode(self) -> bytes:
        """Returns it as PNG, without loss."""
        buffer = io.BytesIO()
        PIL.Image.fromarray(self.pixels).save(buffer, "PNG")
        return buffer.getvalue()


def read_picture(path: pathlib.Path, shown_side: int | None = None) -> Picture:
    """Reads an image file: its first frame, upright, in RGB, the middle of it, 32x32.

    Args:
        path: Of the file.
        shown_side: Pixels a side of a larger version; None: none is needed.

    Raises:
        UnreadableError: It is no image, or a damaged one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of large images and odd metadata
            return _read(path, shown_side)
    except PIL.UnidentifiedImageError:
        raise UnreadableError("is no image that Pillow reads") from None
    except PIL.Image.DecompressionBombError:
        raise UnreadableError(f"has more than {2 * (PIL.Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "") or type(error).__name__
        raise UnreadableError(f"cannot be read: {reason.rstrip('.')}") from None


def _read(path: pathlib.Path, shown_side: int | None) -> Picture:
    notes = []
    with PIL.Image.open(path) as file:
        if getattr(file, "is_animated", False):
            notes.append("first of several frames")
        image, note = _convert(PIL.ImageOps.exif_transpose(file))
    notes.append(note)
    width, height = image.size
    side = min(image.size)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if image.size != (_SIDE, _SIDE):
        middle = "" if width == height else f", middle {side}x{side}"
        notes.append(f"{width}x{height}{middle}, resized to {_SIDE}x{_SIDE}")
    return Picture(
        name=printable(path),
        pixels=np.asarray(_resize(square, _SIDE)),
        note="; ".join(filter(None, notes)),
        square=_resize(square, shown_side) if shown_side else None,
    )


def _resize(image: PIL.Image.Image, side: int) -> PIL.Image.Image:
    return image if image.size == (side, side) else image.resize((side, side), PIL.Image.Resampling.BICUBIC)


def _convert(image: PIL.Image.Image) -> tuple[PIL.Image.Image, str]:
    """Returns an image in RGB, and what was lost on the way."""
    if image.mode == "F" or image.mode.startswith("I"):  # Pillow's own conversion cuts off all above 255
        gray, note = _reduce_to_8_bits(np.asarray(image))
        return PIL.Image.fromarray(gray).convert("RGB"), note
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        is_opaque = layer.getchannel("A").getextrema() == (255, 255)
        whole = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, _PAPER), layer)
        return whole.convert("RGB"), "" if is_opaque else "transparent parts made white"
    if image.mode == "LAB":
        lab, rgb = PIL.ImageCms.createProfile("LAB"), PIL.ImageCms.createProfile("sRGB")
        converted = PIL.ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
        assert converted is not None  # None is for images changed in place
        return converted, ""
    return image.convert("RGB"), ""


def _reduce_to_8_bits(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Reduces gray values of 16 bits by their bits, and those of which no one knows the white by their range."""
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are no numbers")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= _MAX_16_BITS:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8), "16 bits reduced to 8"
    scaled = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.rint(255 * scaled).astype(np.uint8), f"gray values {low:g} to {high:g} stretched to 0 to 255"
