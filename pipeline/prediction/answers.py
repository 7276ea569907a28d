"""What a model says of an image, in words."""

import dataclasses

import numpy as np

from components import features


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """A class and how probable it is."""

    name: str
    probability: float  # the shortest number that is this float32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model says of an image."""

    image: str  # the file
    choices: tuple[Choice, ...]  # the most probable first
    note: str  # what was done to the image before, "" for nothing


def rank(probabilities: np.ndarray, top: int) -> tuple[Choice, ...]:
    """Returns the most probable classes, of equals the one with the lower label first.

    Args:
        probabilities: float32 [classes].
        top: How many.
    """
    order = np.argsort(-probabilities, kind="stable")[:top]
    return tuple(Choice(name=features.CLASS_NAMES[at], probability=shorten(probabilities[at])) for at in order)


def shorten(probability: np.float32) -> float:
    """Returns the number with the fewest digits that is this float32."""
    return float(str(probability))
