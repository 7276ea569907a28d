"""The classes, images and confusions with the most errors of a model."""

import dataclasses
from collections.abc import Sequence

from components.artifacts.verdict import Scorecard, Slice

_WEAKEST_CLASSES = 3
_CONFUSIONS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confusion:
    """Images of one class that the model assigns to another."""

    actual: str
    predicted: str
    images: int
    of: int  # images of the actual class


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weaknesses:
    """The weaknesses of a model on the test split."""

    classes: list[Slice]  # with the lowest accuracy, the lowest first
    quarters: list[Slice]  # the lowest by brightness, and by contrast; empty if they have too few images
    confusions: list[Confusion]  # the most frequent first


def find_weaknesses(scorecard: Scorecard, class_names: Sequence[str]) -> Weaknesses:
    """Finds the classes, quarters and confusions with the lowest accuracy; ties in the order of the labels."""
    weakest = sorted(scorecard.slices, key=lambda found: found.accuracy.value)
    confusions = [
        Confusion(
            actual=class_names[actual],
            predicted=class_names[predicted],
            images=images,
            of=sum(scorecard.confusion[actual]),
        )
        for actual, predicted, images in scorecard.find_confusions(_CONFUSIONS)
    ]
    return Weaknesses(
        classes=[found for found in weakest if found.feature == "label"][:_WEAKEST_CLASSES],
        quarters=[
            found
            for feature in ("brightness_quartile", "contrast_quartile")
            for found in [found for found in weakest if found.feature == feature][:1]
        ],
        confusions=confusions,
    )
