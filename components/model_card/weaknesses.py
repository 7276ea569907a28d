"""Weaknesses: where a model errs most."""

import dataclasses
from collections.abc import Sequence

from components import features
from components.artifacts.verdict import Scorecard, Slice

_WEAKEST_CLASSES = 3
_CONFUSIONS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confusion:
    """A class that is taken for another."""

    actual: str
    predicted: str
    images: int  # so taken
    of: int  # images of the actual class


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weaknesses:
    """Where a model errs most on the test split."""

    classes: tuple[Slice, ...]  # with the lowest accuracy, the lowest first
    quarters: tuple[Slice, ...]  # the lowest by brightness, and by contrast
    confusions: tuple[Confusion, ...]  # the most frequent first


def find_weaknesses(scorecard: Scorecard) -> Weaknesses:
    """Finds the classes, quarters and confusions with the lowest accuracy.

    Args:
        scorecard: Of the candidate.

    Returns:
        Its weaknesses; equals stand in the order of the labels.
    """
    by_feature: dict[str, list[Slice]] = {}
    for found in sorted(scorecard.slices, key=lambda found: found.accuracy.value):
        by_feature.setdefault(found.feature, []).append(found)
    return Weaknesses(
        classes=tuple(by_feature.get("label", ())[:_WEAKEST_CLASSES]),
        quarters=tuple(
            by_feature[name][0] for name in ("brightness_quartile", "contrast_quartile") if name in by_feature
        ),
        confusions=tuple(_find_confusions(scorecard.confusion)),
    )


def _find_confusions(counts: Sequence[Sequence[int]]) -> list[Confusion]:
    confusions = [
        Confusion(
            actual=features.CLASS_NAMES[actual],
            predicted=features.CLASS_NAMES[predicted],
            images=images,
            of=sum(row),
        )
        for actual, row in enumerate(counts)
        for predicted, images in enumerate(row)
        if actual != predicted and images
    ]
    return sorted(confusions, key=lambda confusion: -confusion.images)[:_CONFUSIONS]
