"""Image files of all modes and orientations, as pixels.

Axes: height, width, channels.
"""

import pathlib
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from pipeline.image_files import UnreadableError
from pipeline.prediction.images import read_picture

_ORIENTATION = 0x0112  # the EXIF tag
_BEST: dict[str, dict[str, Any]] = {".webp": {"lossless": True}, ".jpg": {"quality": 95, "subsampling": 0}}
_TURNS = ["", "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270"]


def _draw(mode: str = "RGB") -> PIL.Image.Image:
    """Draws a picture with no symmetry: red grows to the right, green downwards, and a corner is blue."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, 32)
    pixels[..., 1] = np.linspace(0, 200, 32)[:, None]
    pixels[:8, :8, 2] = 250
    image = PIL.Image.fromarray(pixels)
    if mode == "LAB":
        rgb, lab = PIL.ImageCms.createProfile("sRGB"), PIL.ImageCms.createProfile("LAB")
        return PIL.ImageCms.profileToProfile(image, rgb, lab, outputMode="LAB") or image
    return image.convert(mode)


def _save(image: PIL.Image.Image, path: pathlib.Path, **options: Any) -> pathlib.Path:
    image.save(path, **_BEST.get(path.suffix, {}), **options)
    return path


@pytest.mark.parametrize(
    ("mode", "name", "distance"),
    [
        *(("RGB", f"a.{suffix}", 0) for suffix in ("png", "bmp", "tiff", "webp", "ppm")),
        *((mode, "a.png", 0) for mode in ("1", "L", "LA", "P", "RGBA")),
        *(("RGB", "a.jpg", 4), ("CMYK", "a.jpg", 4), ("P", "a.gif", 12), ("LAB", "a.tiff", 3)),
    ],
)
def test_pixels_are_those_of_the_file(tmp_path: pathlib.Path, mode: str, name: str, distance: float) -> None:
    path = _save(_draw(mode), tmp_path / name)
    with PIL.Image.open(path) as saved:
        assert saved.mode == mode
    picture = read_picture(path, 32)
    expected = _draw("RGB") if mode == "LAB" else _draw(mode).convert("RGB")
    assert np.abs(picture.pixels.astype(int) - np.asarray(expected).astype(int)).mean() <= distance
    assert (picture.name, picture.note) == (str(path), "")
    assert picture.preview.size == (128, 128)


@pytest.mark.parametrize(
    ("name", "low", "high", "kind", "note"),
    [
        *((f"a.{suffix}", 0, 65_535, np.uint16, "16 bits reduced to 8") for suffix in ("png", "tiff", "pgm")),
        ("a.tiff", -1, 3, np.float32, "gray values -1 to 3 stretched to 0 to 255"),
    ],
)
def test_gray_values_of_more_bits_are_scaled(
    tmp_path: pathlib.Path, name: str, low: int, high: int, kind: type[np.generic], note: str
) -> None:
    values = np.linspace(low, high, 32 * 32).reshape(32, 32).astype(kind)
    picture = read_picture(_save(PIL.Image.fromarray(values), tmp_path / name), 32)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint((values.astype(float) - low) / (high - low) * 255))
    assert picture.note == note


def test_transparent_parts_become_white_whatever_color_they_hide(tmp_path: pathlib.Path) -> None:
    image = _draw("RGBA")
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:16] = 0
    alpha[16:20] = 51
    image.putalpha(PIL.Image.fromarray(alpha))
    picture = read_picture(_save(image, tmp_path / "cut_out.png"), 32)
    original = np.asarray(image.convert("RGB")).astype(float)
    assert (picture.pixels[:16] == 255).all()
    np.testing.assert_allclose(picture.pixels[16:20], 255 - (255 - original[16:20]) / 5, atol=1)
    np.testing.assert_array_equal(picture.pixels[20:], original[20:])
    assert picture.note == "transparent parts made white"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["turned.png", "turned.webp"])
def test_images_are_turned_upright_by_their_exif_tag(tmp_path: pathlib.Path, name: str, orientation: int) -> None:
    turn = _TURNS[orientation - 1]
    exif = PIL.Image.Exif()
    exif[_ORIENTATION] = orientation
    path = _save(_draw().transpose(PIL.Image.Transpose[turn]) if turn else _draw(), tmp_path / name, exif=exif)
    np.testing.assert_array_equal(read_picture(path, 32).pixels, np.asarray(_draw()))


def test_the_first_frame_of_an_animation_counts(tmp_path: pathlib.Path) -> None:
    first, second = (PIL.Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    picture = read_picture(_save(first, tmp_path / "moves.gif", save_all=True, append_images=[second]), 32)
    assert (picture.pixels == (255, 0, 0)).all()
    assert picture.note == "first of several frames"


@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96)])
def test_the_middle_square_is_left_to_the_model_to_resize(tmp_path: pathlib.Path, width: int, height: int) -> None:
    image = PIL.Image.new("RGB", (width, height), "black")
    left, top = (width - 64) // 2, (height - 64) // 2
    image.paste("white", (left, top, left + 64, top + 64))
    picture = read_picture(_save(image, tmp_path / "wide.png"), 32)
    assert picture.pixels.shape == (64, 64, 3)
    assert (picture.pixels == 255).all()
    assert picture.note == f"{width}x{height}, middle 64x64, resized to 32x32"


def test_unreadable_images_are_rejected_with_a_reason(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.png").touch()
    whole = _save(_draw(), tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes(whole.read_bytes()[:-300])
    PIL.Image.fromarray(np.full((32, 32), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    PIL.Image.new("L", (40, 40)).save(tmp_path / "large.png")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 600)
    for name, reason in (
        ("empty.png", r"^is not an image that Pillow reads$"),
        ("cut.jpg", r"cannot be read: (?i:.*truncated)"),
        ("nan.tiff", "cannot be read: some of its pixels are not finite numbers"),
        ("large.png", "exceeds limit of 1200 pixels"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            read_picture(tmp_path / name, 32)
