"""The Evaluator's verdict on a model: `verdict.json` in its output `verdict`."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Literal

import pydantic

from components.artifacts.image_task import ImageTask

VERDICT_FILE = "verdict.json"

RuleName = Literal["accuracy_floor", "not_worse", "no_class_fell", "compute"]
SliceFeature = Literal["label", "brightness_quartile", "contrast_quartile"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A number and its 95% interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overall:
    """Metrics over all images."""

    accuracy: Measure  # 0..1
    balanced_accuracy: Measure  # mean of the classes' recalls, 0..1
    macro_f1: Measure  # mean of the classes' F1 scores, 0..1
    top_5_accuracy: Measure  # 0..1
    cross_entropy: Measure  # nats
    expected_calibration_error: Measure  # 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bin:
    """The images whose most probable class has a probability between two bounds."""

    low: float  # exclusive
    high: float  # inclusive
    images: int
    confidence: float  # mean probability of the most probable class, 0..1
    accuracy: Measure  # 0..1


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
    calibration: tuple[Bin, ...]  # without empty bins

    @property
    def mean_confidence(self) -> float:
        """Mean probability of the most probable class, 0..1."""
        return sum(found.images * found.confidence for found in self.calibration) / self.images

    def find_confusions(self, count: int) -> list[tuple[int, int, int]]:
        """See the function of this name."""
        return find_confusions(self.confusion, count)


def find_confusions(confusion: Sequence[Sequence[int]], count: int) -> list[tuple[int, int, int]]:
    """Finds the most frequent confusions, the first labels first.

    Args:
        confusion: Images of [actual label][predicted label].
        count: How many at most.

    Returns:
        Actual label, predicted label and images of each.
    """
    found = [
        (actual, predicted, images)
        for actual, row in enumerate(confusion)
        for predicted, images in enumerate(row)
        if actual != predicted and images
    ]
    return sorted(found, key=lambda confused: -confused[2])[:count]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paired:
    """Candidate against baseline on the same images."""

    difference: float  # of accuracies, candidate minus baseline, -1..1
    low: float  # of the 95% interval
    high: float
    p_value: float  # exact McNemar test of "equally accurate"
    only_candidate_right: int  # images
    only_baseline_right: int  # images

    def describe(self, digits: int = 1) -> str:
        """Returns the difference in words, such as "+1.2 points (-0.3 to +2.7 with 95% confidence)"."""
        difference, low, high = (f"{100 * share:+.{digits}f}" for share in (self.difference, self.low, self.high))
        return f"{difference} points ({low} to {high} with 95% confidence)"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule that decides about the blessing."""

    name: RuleName
    is_applied: bool
    passed: bool  # True, too, when not applied
    threshold: float | None  # None: not set
    value: float | None  # what was judged; None when not applied
    interval: tuple[float, float] | None  # 95%, of the value
    message: str  # the rule's outcome, with its numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a model is blessed, and why."""

    task: ImageTask  # of the candidate, and of the baseline
    is_blessed: bool
    has_baseline: bool
    note: str | None  # such as that there was no model to compare with
    rules: tuple[Rule, ...]
    candidate: Scorecard
    baseline: Scorecard | None  # the last blessed model
    paired: Paired | None

    @property
    def metrics(self) -> list[str]:
        """The fields of `Overall` that mean something: with five classes or fewer, the top-5 accuracy is always 1."""
        names = [field.name for field in dataclasses.fields(Overall)]
        return [name for name in names if name != "top_5_accuracy" or len(self.task.class_names) > 5]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the rules that were not passed; empty when blessed."""
        return tuple(rule.message for rule in self.rules if not rule.passed)


_VERDICT = pydantic.TypeAdapter(Verdict)


def write_verdict(verdict: Verdict, folder: pathlib.Path) -> None:
    """Writes `verdict.json`."""
    (folder / VERDICT_FILE).write_bytes(encode_verdict(verdict))


def encode_verdict(verdict: Verdict) -> bytes:
    """Returns the content of `verdict.json`."""
    return _VERDICT.dump_json(verdict, indent=2)


def read_verdict(folder: pathlib.Path) -> Verdict:
    """Reads `verdict.json`.

    Args:
        folder: Of the Evaluator's output `verdict`.

    Returns:
        The verdict.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If `write_verdict` did not write it.
    """
    return _VERDICT.validate_json((folder / VERDICT_FILE).read_bytes())
