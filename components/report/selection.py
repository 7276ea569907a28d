"""Test images that are worth a look, selected in one pass over the predictions.

Axes: images, classes.
"""

import dataclasses
import itertools
import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from components.artifacts.predictions import Predictions

FLIPS = 24  # images of each direction
_get_rank = operator.attrgetter("score", "example_id")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """The predictions of the models for one image."""

    score: float  # the lower, the earlier the image is selected
    example_id: str
    label: int
    candidate: np.ndarray  # float32 [classes], probabilities
    baseline: np.ndarray | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Images that are worth a look, ordered by confidence, then by id."""

    right: tuple[Prediction, ...]  # the candidate is right and most confident
    wrong: tuple[Prediction, ...]  # the candidate is wrong and most confident
    uncertain: tuple[Prediction, ...]  # the two most probable classes are closest
    lost: tuple[Prediction, ...]  # only the baseline is right
    gained: tuple[Prediction, ...]  # only the candidate is right

    @property
    def samples(self) -> tuple[Prediction, ...]:
        """The images that show the errors of one model."""
        return (*self.right, *self.wrong, *self.uncertain)

    @property
    def ids(self) -> list[str]:
        """The ids of all images."""
        return sorted({image.example_id for image in (*self.samples, *self.lost, *self.gained)})


def select_images(batches: Iterable[Predictions], count: int) -> Selection:
    """Selects images of as many classes as possible, and images on which the models differ.

    Args:
        batches: Predictions of all test images; only images that may be selected stay in memory.
        count: Maximum length of `right`, `wrong` and `uncertain`; that of `lost` and `gained` is `FLIPS`.
    """
    limits = {"right": count, "wrong": count, "uncertain": count, "lost": FLIPS, "gained": FLIPS}
    kept: dict[str, dict[int, list[Prediction]]] = {kind: defaultdict(list) for kind in limits}
    for batch in batches:
        for kind, inside, scores, groups in _score(batch):
            for group in np.unique(groups[inside]).tolist():
                positions = np.flatnonzero(inside & (groups == group))
                best = positions[np.lexsort((batch.ids[positions], scores[positions]))][: limits[kind]]
                new = [_predict(batch, position, float(scores[position])) for position in best]
                kept[kind][group] = sorted([*kept[kind][group], *new], key=_get_rank)[: limits[kind]]
    return Selection(**{kind: tuple(_take_turns(kept[kind].values()))[:limit] for kind, limit in limits.items()})


def _score(batch: Predictions) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields each kind with the membership of images, their scores, and their groups, which take turns; [images]."""
    ranked = np.sort(batch.candidate, axis=1)
    right, confidence, margin = batch.is_right(), ranked[:, -1], ranked[:, -1] - ranked[:, -2]
    yield "right", right, -confidence, batch.labels
    yield "wrong", ~right, -confidence, batch.labels
    yield "uncertain", np.ones_like(right), margin, batch.labels
    if batch.baseline is not None:
        baseline_right = batch.is_right("baseline")
        yield "lost", ~right & baseline_right, -confidence, np.zeros_like(batch.labels)
        yield "gained", right & ~baseline_right, -confidence, np.zeros_like(batch.labels)


def _predict(batch: Predictions, position: int, score: float) -> Prediction:
    return Prediction(
        score=score,
        example_id=str(batch.ids[position]),
        label=int(batch.labels[position]),
        candidate=batch.candidate[position].copy(),
        baseline=None if batch.baseline is None else batch.baseline[position].copy(),
    )


def _take_turns(groups: Iterable[list[Prediction]]) -> Iterator[Prediction]:
    """Yields the best image of each group, then the second of each group, and so on."""
    for turn in itertools.zip_longest(*groups):
        yield from sorted(filter(None, turn), key=_get_rank)
