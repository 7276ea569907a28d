"""Image files in any format that Pillow reads, as RGB images.

Axes: height, width, channels.
"""

import pathlib
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps

_WHITE = (255, 255, 255, 255)
_MAX_16_BITS = 65_535


class UnreadableError(Exception):
    """A file is not a readable image; the message says why and continues the file's name."""


def read_rgb(path: pathlib.Path) -> tuple[PIL.Image.Image, list[str]]:
    """Reads the first frame of an image file: upright, in RGB, on white where it is transparent.

    Args:
        path: Of the file.

    Returns:
        The image, and notes about losses, each a few words.

    Raises:
        UnreadableError: It is not an image, or a damaged one, or one too large for Pillow (some 180 million pixels).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about large images and odd metadata
            return _read(path)
    except PIL.UnidentifiedImageError:
        raise UnreadableError("is not an image that Pillow reads") from None
    except Exception as error:  # Pillow's decoders raise errors of many kinds for damaged files
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise UnreadableError(f"cannot be read: {reason.rstrip('.')}") from None


def _read(path: pathlib.Path) -> tuple[PIL.Image.Image, list[str]]:
    notes = []
    with PIL.Image.open(path) as file:
        if getattr(file, "is_animated", False):
            notes.append("first of several frames")
        image, loss = _convert(PIL.ImageOps.exif_transpose(file))
    return image, [*notes, *filter(None, [loss])]


def _convert(image: PIL.Image.Image) -> tuple[PIL.Image.Image, str]:
    """Converts an image to RGB, and describes what was lost."""
    if image.mode == "F" or image.mode.startswith("I"):  # Pillow's own conversion clips at 255
        gray, note = _reduce_to_8_bits(np.asarray(image))
        return PIL.Image.fromarray(gray).convert("RGB"), note
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        is_opaque = layer.getchannel("A").getextrema() == (255, 255)
        flat = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, _WHITE), layer)
        return flat.convert("RGB"), "" if is_opaque else "transparent parts made white"
    if image.mode == "LAB":
        lab, rgb = PIL.ImageCms.createProfile("LAB"), PIL.ImageCms.createProfile("sRGB")
        image = PIL.ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB") or image  # None only if in place
    return image.convert("RGB"), ""


def _reduce_to_8_bits(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Drops the lower bits of 16-bit gray values; stretches values whose white point is unknown over their range."""
    if not np.isfinite(values).all():
        raise ValueError("some of its pixels are not finite numbers")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= _MAX_16_BITS:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8), "16 bits reduced to 8"
    scaled = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.rint(255 * scaled).astype(np.uint8), f"gray values {low:g} to {high:g} stretched to 0 to 255"
