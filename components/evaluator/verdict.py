"""What the Gate writes and how it is read back: `verdict.json` and `predictions.npz`, without TFX and TensorFlow.

Axes: images, classes.
"""

import dataclasses
import pathlib
from typing import Literal

import numpy as np
import pydantic

VERDICT_FILE = "verdict.json"
PREDICTIONS_FILE = "predictions.npz"

RuleName = Literal["accuracy_floor", "not_worse", "no_class_fell", "compute"]
SliceFeature = Literal["label", "brightness_quartile", "contrast_quartile"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overall:
    """Metrics over all images."""

    accuracy: Measure  # 0..1
    top_5_accuracy: Measure  # 0..1
    cross_entropy: Measure  # nats
    expected_calibration_error: Measure  # 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slice:
    """Metrics over the images that share a value of a feature."""

    feature: SliceFeature
    value: int
    name: str  # such as "cat" or "darkest quarter"
    images: int
    accuracy: Measure  # of a label: its recall
    precision: Measure | None = None  # of a label; None for quartiles, and for a label that was never predicted
    recall: Measure | None = None  # of a label


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scorecard:
    """How one model did on the test split."""

    images: int
    overall: Overall
    slices: tuple[Slice, ...]
    confusion: tuple[tuple[int, ...], ...]  # images of [actual label][predicted label]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paired:
    """Candidate against baseline on the same images."""

    difference: float  # of accuracies, candidate minus baseline, -1..1
    low: float  # of the 95 % interval
    high: float
    p_value: float  # exact McNemar test of "equally accurate"
    only_candidate_right: int  # images
    only_baseline_right: int  # images


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the gate."""

    name: RuleName
    is_applied: bool
    passed: bool  # True, too, when not applied
    threshold: float | None  # None: not set
    value: float | None  # what was judged; None when not applied
    interval: tuple[float, float] | None  # 95 %, of the value
    sentence: str  # the rule's outcome in words, with its numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a model is blessed, and why."""

    is_blessed: bool
    has_baseline: bool
    note: str | None  # what else a person should know, such as that there was nothing to compare with
    rules: tuple[Rule, ...]
    candidate: Scorecard
    baseline: Scorecard | None  # the last blessed model
    paired: Paired | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the rules that were not passed; empty when blessed."""
        return tuple(rule.sentence for rule in self.rules if not rule.passed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predictions:
    """What each model answered for each image of the test split."""

    ids: np.ndarray  # str [images]
    labels: np.ndarray  # int64 [images]
    brightness_quartile: np.ndarray  # int64 [images], 0..3
    contrast_quartile: np.ndarray  # int64 [images], 0..3
    candidate: np.ndarray  # float32 [images, classes], probabilities
    baseline: np.ndarray | None  # the same of the last blessed model


_VERDICT = pydantic.TypeAdapter(Verdict)


def write_verdict(verdict: Verdict, folder: pathlib.Path) -> None:
    """Writes `verdict.json`."""
    (folder / VERDICT_FILE).write_bytes(_VERDICT.dump_json(verdict, indent=2))


def read_verdict(folder: pathlib.Path) -> Verdict:
    """Reads `verdict.json`.

    Args:
        folder: Of the Gate's output `verdict`.

    Returns:
        The verdict.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not what `write_verdict` writes.
    """
    return _VERDICT.validate_json((folder / VERDICT_FILE).read_bytes())


def write_predictions(predictions: Predictions, folder: pathlib.Path) -> None:
    """Writes `predictions.npz`; an absent baseline is left out."""
    arrays = {field.name: getattr(predictions, field.name) for field in dataclasses.fields(predictions)}
    np.savez_compressed(
        folder / PREDICTIONS_FILE, **{name: array for name, array in arrays.items() if array is not None}
    )


def read_predictions(folder: pathlib.Path) -> Predictions:
    """Reads `predictions.npz`.

    Args:
        folder: Of the Gate's output `verdict`.

    Returns:
        The predictions.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with np.load(folder / PREDICTIONS_FILE) as arrays:
        return Predictions(**{"baseline": None, **arrays})
