"""Colors: legible on their background, and distinguishable with color blindness."""

import itertools

import numpy as np
import pytest

from components.report import palette
from components.report.marks import KERAS_EXAMPLE, MARKS

_COLORS = {mark.color for mark in (*MARKS.values(), KERAS_EXAMPLE)}
_CATEGORIES = [role for role, color in palette.LIGHT.items() if color in _COLORS]  # that one chart may contain

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009.
_SIGHTS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # sRGB, D65


def _linear(color: str) -> np.ndarray:
    values = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    ratios = _TO_XYZ @ np.clip(linear, 0, 1) / _TO_XYZ.sum(axis=1)
    cubic = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * cubic[1] - 16, 500 * (cubic[0] - cubic[1]), 200 * (cubic[1] - cubic[2])])


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((float(_TO_XYZ[1] @ _linear(color)) for color in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("sight", _SIGHTS)
def test_categories_are_distinguishable(colors: dict[str, str], sight: str) -> None:
    """A just noticeable difference is about 2.3; marks of a chart need several times that."""
    seen = {role: _lab(_SIGHTS[sight] @ _linear(colors[role])) for role in _CATEGORIES}
    distances = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in itertools.combinations(seen, 2)}
    closest = min(distances, key=lambda pair: distances[pair])
    assert distances[closest] > 10, (closest, distances[closest])


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_text_and_marks_have_enough_contrast(colors: dict[str, str]) -> None:
    """WCAG 2.2: 4.5 for text, 3 for graphics."""
    for ground in ("surface", "panel"):
        assert min(_contrast(colors[role], colors[ground]) for role in ("ink", "muted")) >= 4.5
        assert min(_contrast(colors[role], colors[ground]) for role in _CATEGORIES) >= 3


def test_both_schemes_have_the_same_roles_and_no_color_twice() -> None:
    assert list(palette.LIGHT) == list(palette.DARK)
    assert len(set(palette.LIGHT.values())) == len(palette.LIGHT)  # the canvas finds roles by their colors
