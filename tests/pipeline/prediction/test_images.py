"""Image files of all modes and orientations, as pixels.

Axes: height, width, channels.
"""

import pathlib
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from pipeline.prediction.images import UnreadableError, read_picture

_ORIENTATION = 0x0112  # the EXIF tag
_BEST: dict[str, dict[str, Any]] = {".webp": {"lossless": True}, ".jpg": {"quality": 95, "subsampling": 0}}


def _draw(width: int, height: int) -> PIL.Image.Image:
    """Draws a picture with no symmetry: red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)
    pixels[..., 1] = np.linspace(0, 200, height)[:, None]
    pixels[: height // 4, : width // 4, 2] = 250
    return PIL.Image.fromarray(pixels)


def _distance(pixels: np.ndarray, other: PIL.Image.Image) -> float:
    return float(np.abs(pixels.astype(int) - np.asarray(other).astype(int)).mean())


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp", "a.ppm"])
def test_pixels_of_a_lossless_file_of_the_right_size_arrive_unchanged(tmp_path: pathlib.Path, name: str) -> None:
    image = _draw(32, 32)
    image.save(tmp_path / name, **_BEST.get(pathlib.Path(name).suffix, {}))
    picture = read_picture(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels, np.asarray(image))
    assert picture.note == ""
    assert picture.name == str(tmp_path / name)


@pytest.mark.parametrize(
    ("mode", "name", "distance"),
    [("RGB", "a.jpg", 4), ("CMYK", "a.jpg", 4), ("P", "a.gif", 12), ("LAB", "a.tiff", 3)],
)
def test_other_color_spaces_look_the_same(tmp_path: pathlib.Path, mode: str, name: str, distance: float) -> None:
    image = _draw(32, 32)
    if mode == "LAB":
        rgb, lab = PIL.ImageCms.createProfile("sRGB"), PIL.ImageCms.createProfile("LAB")
        converted = PIL.ImageCms.profileToProfile(image, rgb, lab, outputMode="LAB")
    else:
        converted = image.convert(mode)
    assert converted is not None
    converted.save(tmp_path / name, **_BEST.get(pathlib.Path(name).suffix, {}))
    with PIL.Image.open(tmp_path / name) as saved:
        assert saved.mode == mode
    assert _distance(read_picture(tmp_path / name).pixels, image) < distance


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_becomes_three_equal_channels(tmp_path: pathlib.Path, mode: str) -> None:
    image = _draw(32, 32).convert(mode)
    image.save(tmp_path / "gray.png")
    pixels = read_picture(tmp_path / "gray.png").pixels
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], np.asarray(image.convert("L")))


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff", "deep.pgm"])
def test_16_bits_keep_their_brightness(tmp_path: pathlib.Path, name: str) -> None:
    values = np.linspace(0, 65_535, 32 * 32).reshape(32, 32).astype(np.uint16)
    PIL.Image.fromarray(values).save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint(values / 257))
    assert picture.note == "16 bits reduced to 8"


def test_numbers_of_unknown_range_are_stretched_and_the_note_says_so(tmp_path: pathlib.Path) -> None:
    values = np.linspace(-1, 3, 32 * 32).reshape(32, 32).astype(np.float32)
    PIL.Image.fromarray(values).save(tmp_path / "float.tiff")
    picture = read_picture(tmp_path / "float.tiff")
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint((values.astype(float) + 1) / 4 * 255))
    assert picture.note == "gray values -1 to 3 stretched to 0 to 255"
    PIL.Image.fromarray(np.full((32, 32), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    with pytest.raises(UnreadableError, match="cannot be read: it has pixels that are no numbers"):
        read_picture(tmp_path / "nan.tiff")


def test_what_is_transparent_becomes_white_whatever_color_it_hides(tmp_path: pathlib.Path) -> None:
    image = _draw(32, 32).convert("RGBA")
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:16] = 0
    alpha[16:20] = 51
    image.putalpha(PIL.Image.fromarray(alpha))
    image.save(tmp_path / "cut_out.png")
    picture = read_picture(tmp_path / "cut_out.png")
    original = np.asarray(image.convert("RGB")).astype(float)
    assert (picture.pixels[:16] == 255).all()
    np.testing.assert_allclose(picture.pixels[16:20], 255 - (255 - original[16:20]) / 5, atol=1)
    np.testing.assert_array_equal(picture.pixels[20:], original[20:])
    assert picture.note == "transparent parts made white"


def test_an_opaque_alpha_channel_changes_nothing(tmp_path: pathlib.Path) -> None:
    image = _draw(32, 32)
    image.convert("RGBA").save(tmp_path / "opaque.png")
    picture = read_picture(tmp_path / "opaque.png")
    np.testing.assert_array_equal(picture.pixels, np.asarray(image))
    assert picture.note == ""


def test_a_color_that_a_palette_marks_as_transparent_becomes_white(tmp_path: pathlib.Path) -> None:
    image = PIL.Image.new("P", (32, 32), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (0, 0, 32, 8))
    image.save(tmp_path / "palette.png", transparency=0)
    pixels = read_picture(tmp_path / "palette.png").pixels
    assert (pixels[:8] == (200, 100, 50)).all()
    assert (pixels[8:] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["turned.png", "turned.webp"])
def test_images_are_turned_as_their_camera_wants_it(tmp_path: pathlib.Path, name: str, orientation: int) -> None:
    upright = _draw(32, 32)
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",  # the camera lay on its side, and is turned back by 270 degrees
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    turn = turns.get(orientation)
    stored = upright.transpose(PIL.Image.Transpose[turn]) if turn else upright
    exif = PIL.Image.Exif()
    exif[_ORIENTATION] = orientation
    stored.save(tmp_path / name, exif=exif, **_BEST.get(pathlib.Path(name).suffix, {}))
    np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, np.asarray(upright))


def test_the_first_frame_of_an_animation_counts(tmp_path: pathlib.Path) -> None:
    first, second = (PIL.Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    first.save(tmp_path / "moves.gif", save_all=True, append_images=[second])
    picture = read_picture(tmp_path / "moves.gif")
    assert (picture.pixels == (255, 0, 0)).all()
    assert picture.note == "first of several frames"


@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96)])
def test_the_middle_square_is_resized_without_distortion(tmp_path: pathlib.Path, width: int, height: int) -> None:
    image = PIL.Image.new("RGB", (width, height), "black")
    left, top = (width - 64) // 2, (height - 64) // 2
    image.paste("white", (left, top, left + 64, top + 64))
    image.paste("red", (left + 16, top + 16, left + 48, top + 48))
    image.save(tmp_path / "wide.png")
    picture = read_picture(tmp_path / "wide.png", 80)
    assert picture.pixels.shape == (32, 32, 3)
    assert (picture.pixels[0] == 255).all()
    assert (picture.pixels[10:22, 10:22] == (255, 0, 0)).all()
    assert (picture.pixels[:5] == 255).all()
    assert picture.note == f"{width}x{height}, middle 64x64, resized to 32x32"
    assert picture.square is not None
    assert picture.square.size == (80, 80)


def test_a_small_image_is_enlarged(tmp_path: pathlib.Path) -> None:
    PIL.Image.new("RGB", (1, 1), (9, 8, 7)).save(tmp_path / "dot.png")
    picture = read_picture(tmp_path / "dot.png")
    assert (picture.pixels == (9, 8, 7)).all()
    assert picture.note == "1x1, resized to 32x32"


def test_what_is_no_whole_image_is_rejected_with_a_reason(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty.png").touch()
    _draw(32, 32).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-300])
    for name in ("notes.txt", "empty.png"):
        with pytest.raises(UnreadableError, match=r"^is no image that Pillow reads$"):
            read_picture(tmp_path / name)
    with pytest.raises(UnreadableError, match=r"cannot be read: (?i:.*truncated)"):
        read_picture(tmp_path / "cut.jpg")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 500)
    with pytest.raises(UnreadableError, match="has more than 1,000 pixels"):
        read_picture(tmp_path / "whole.jpg")


def test_damage_anywhere_gives_a_picture_or_a_reason(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(0)
    outcomes: set[object] = set()
    for name in ("a.png", "a.gif", "a.webp", "a.tiff", "a.jpg"):
        _draw(32, 32).save(tmp_path / name)
        whole = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
        for _ in range(40):
            damaged = whole.copy()
            damaged[random.integers(len(whole), size=4)] = random.integers(256, size=4)
            (tmp_path / "damaged").write_bytes(damaged.tobytes())
            try:
                outcomes.add(read_picture(tmp_path / "damaged").pixels.shape)
            except UnreadableError as error:
                outcomes.add(f"{len(str(error).splitlines())} line")
    assert outcomes == {(32, 32, 3), "1 line"}
