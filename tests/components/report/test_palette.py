"""Colors: legible on their background."""

import numpy as np
import pytest

from components.report import palette
from components.report.marks import KERAS_EXAMPLE, MARKS

_COLORS = {mark.color for mark in (*MARKS.values(), KERAS_EXAMPLE)}
_CATEGORIES = [role for role, color in palette.LIGHT.items() if color in _COLORS]  # that one chart may contain

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of sRGB


def _linear(color: str) -> np.ndarray:
    values = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((float(_LUMINANCE @ _linear(color)) for color in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_text_and_marks_have_enough_contrast(colors: dict[str, str]) -> None:
    """WCAG 2.2: 4.5 for text, 3 for graphics."""
    for ground in ("surface", "panel"):
        assert min(_contrast(colors[role], colors[ground]) for role in ("ink", "muted")) >= 4.5
        assert min(_contrast(colors[role], colors[ground]) for role in _CATEGORIES) >= 3


def test_both_schemes_have_the_same_roles_and_no_color_twice() -> None:
    assert list(palette.LIGHT) == list(palette.DARK)
    assert len(set(palette.LIGHT.values())) == len(palette.LIGHT)  # the canvas finds roles by their colors
