"""Test images that are worth a look, picked in one pass over the predictions.

Axes: images, classes.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from components.artifacts.predictions import Predictions

FLIPS = 24  # images of each direction


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What the models predict for one image."""

    example_id: str
    label: int
    candidate: np.ndarray  # float32 [classes], probabilities
    baseline: np.ndarray | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Images that are worth a look, in the order of the models' confidence, then of their ids."""

    right: tuple[Prediction, ...]  # the candidate is right and most confident
    wrong: tuple[Prediction, ...]  # the candidate is wrong and most confident
    uncertain: tuple[Prediction, ...]  # the two most probable classes are closest
    lost: tuple[Prediction, ...]  # only the baseline is right
    gained: tuple[Prediction, ...]  # only the candidate is right

    @property
    def samples(self) -> tuple[Prediction, ...]:
        """The images that show how one model errs."""
        return (*self.right, *self.wrong, *self.uncertain)

    @property
    def ids(self) -> list[str]:
        """The ids of all images."""
        return sorted({image.example_id for image in (*self.samples, *self.lost, *self.gained)})


class _Ranked(NamedTuple):
    score: float  # the lowest first
    example_id: str
    group: int  # whose images take turns
    prediction: Prediction


def select_images(batches: Iterable[Predictions], count: int) -> Selection:
    """Picks images of as many classes as possible, and images on which the models differ.

    Args:
        batches: Predictions of all test images; in memory is only what may be picked.
        count: Of `right`, `wrong` and `uncertain`, at most; of `lost` and `gained` at most `FLIPS` are picked.

    Returns:
        The images.
    """
    kept: dict[str, list[_Ranked]] = {field.name: [] for field in dataclasses.fields(Selection)}
    limits = {name: FLIPS if name in ("lost", "gained") else count for name in kept}
    for batch in batches:
        for name, inside, scores, groups in _rank(batch):
            new = _take_best(batch, inside, scores, groups, limits[name])
            kept[name] = [image for turn, image in _take_turns([*kept[name], *new]) if turn < limits[name]]
    return Selection(
        **{
            name: tuple(image.prediction for _, image in sorted(_take_turns(images), key=lambda pair: pair[0]))[
                : limits[name]
            ]
            for name, images in kept.items()
        }
    )


def _rank(batch: Predictions) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields for each sort of images which are of it, their scores and their groups, [images] each."""
    ranked = np.sort(batch.candidate, axis=1)
    right, confidence, margin = batch.is_right(), ranked[:, -1], ranked[:, -1] - ranked[:, -2]
    yield "right", right, -confidence, batch.labels
    yield "wrong", ~right, -confidence, batch.labels
    yield "uncertain", np.ones_like(right), margin, batch.labels
    if batch.baseline is not None:
        baseline_right = batch.baseline.argmax(axis=1) == batch.labels
        yield "lost", ~right & baseline_right, -confidence, np.zeros_like(batch.labels)
        yield "gained", right & ~baseline_right, -confidence, np.zeros_like(batch.labels)


def _take_best(
    batch: Predictions, inside: np.ndarray, scores: np.ndarray, groups: np.ndarray, limit: int
) -> Iterator[_Ranked]:
    """Yields the images of each group that score lowest, `limit` of each at most."""
    positions = np.flatnonzero(inside)
    seen: Counter[int] = Counter()
    for position in positions[np.lexsort((batch.ids[positions], scores[positions]))].tolist():
        group = int(groups[position])
        seen[group] += 1
        if seen[group] <= limit:
            prediction = Prediction(
                example_id=str(batch.ids[position]),
                label=int(batch.labels[position]),
                candidate=batch.candidate[position].copy(),
                baseline=None if batch.baseline is None else batch.baseline[position].copy(),
            )
            yield _Ranked(float(scores[position]), prediction.example_id, group, prediction)


def _take_turns(images: Iterable[_Ranked]) -> Iterator[tuple[int, _Ranked]]:
    """Yields images by score, each with the number of images of its group that come before it."""
    seen: Counter[int] = Counter()
    for image in sorted(images, key=lambda image: image[:2]):
        yield seen[image.group], image
        seen[image.group] += 1
