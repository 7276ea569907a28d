"""Two runs side by side, their models compared on the same test images.

Axes: images.
"""

import dataclasses

import numpy as np
from rich.console import Console

from components.evaluator.intervals import compare_paired
from components.evaluator.verdict import Measure, Predictions
from pipeline.failures import DataFailure
from pipeline.inspection.layout import (
    format_measure,
    format_mmacs,
    format_points,
    format_seconds,
    format_share,
    print_sentences,
    print_table,
)
from pipeline.inspection.outcome import Outcome, RunState, measure_seconds
from pipeline.inspection.root import Root, shorten


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two runs."""

    run_id: str
    state: RunState
    winner: str  # such as "token_learner-8@2"
    points_searched: int
    epochs_spent: int  # in the search and with the finalists
    macs: int
    parameters: int
    valid_accuracy: float  # of the final fit, 0..1
    test_accuracy: Measure
    cross_entropy: Measure
    expected_calibration_error: Measure
    trainer_seconds: float | None  # of the run that trained it


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedFacts:
    """The second model against the first on the test images that both have seen."""

    images: int
    difference: float  # of accuracies, second minus first, -1..1
    low: float  # of the 95 % interval
    high: float
    p_value: float  # exact McNemar test of "equally accurate"
    only_first_right: int
    only_second_right: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs; keys are those of `inspect compare --json`."""

    first: Side
    second: Side
    paired: PairedFacts


def read_comparison(root: Root, first: str, second: str) -> Comparison:
    """Compares two runs.

    Args:
        root: That holds both.
        first: The id of a run.
        second: That of another.

    Raises:
        UsageFailure: If one has not come to the Gate.
        DataFailure: If they have no test image in common.
    """
    outcomes = [Outcome(root, run_id) for run_id in (first, second)]
    for outcome in outcomes:
        outcome.require("verdict", outcome.verdict)
    predictions = [outcome.read_predictions() for outcome in outcomes]
    assert predictions[0] is not None
    assert predictions[1] is not None
    return Comparison(
        first=_read_side(outcomes[0]),
        second=_read_side(outcomes[1]),
        paired=pair(predictions[0], predictions[1]),
    )


def pair(first: Predictions, second: Predictions) -> PairedFacts:
    """Compares two models on the images that both were asked for, by id.

    Raises:
        DataFailure: If there is no such image.
    """
    common, of_first, of_second = np.intersect1d(first.ids, second.ids, return_indices=True)
    if not len(common):
        raise DataFailure("The two runs have no test image in common, so their models cannot be compared.")
    found = compare_paired(_find_right(second)[of_second], _find_right(first)[of_first])
    return PairedFacts(
        images=len(common),
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        only_first_right=found.only_baseline_right,
        only_second_right=found.only_candidate_right,
    )


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Shows both runs in columns, and the difference in words."""
    sides = (comparison.first, comparison.second)
    rows = [
        ("end", *(side.state for side in sides)),
        ("winner", *(side.winner for side in sides)),
        ("points searched", *(str(side.points_searched) for side in sides)),
        ("epochs spent", *(str(side.epochs_spent) for side in sides)),
        ("million MACs", *(format_mmacs(side.macs) for side in sides)),
        ("parameters", *(f"{side.parameters:,}" for side in sides)),
        ("Trainer seconds", *(format_seconds(side.trainer_seconds) for side in sides)),
        ("valid accuracy", *(format_share(side.valid_accuracy) for side in sides)),
        ("test accuracy", *(format_measure(side.test_accuracy) for side in sides)),
        ("cross entropy", *(format_measure(side.cross_entropy, is_share=False) for side in sides)),
        ("calibration error", *(format_measure(side.expected_calibration_error) for side in sides)),
    ]
    print_table(console, ("", *(shorten(side.run_id) for side in sides)), rows, words=("",))
    paired = comparison.paired
    verdict = "is more accurate" if paired.difference > 0 else "is less accurate"
    is_sure = paired.low > 0 or paired.high < 0
    sentence = (
        f"On the {paired.images:,} test images of both, the second is {format_points(paired.difference)} points from "
        f"the first (95 %: {format_points(paired.low)} to {format_points(paired.high)}; exact McNemar p = "
        f"{paired.p_value:.2g}): only the first is right on {paired.only_first_right:,}, only the second on "
        f"{paired.only_second_right:,}. "
    )
    end = f"The second {verdict}." if is_sure else "That is within the noise of these images."
    end += " This compares two models, not two configurations: other seeds may differ by more."
    print_sentences(console, "Paired", [sentence + end])


def _read_side(outcome: Outcome) -> Side:
    winner, search, verdict, trainer = outcome.winner, outcome.search, outcome.verdict, outcome.find_trainer()
    assert winner is not None
    assert search is not None
    assert verdict is not None
    overall = verdict.candidate.overall
    return Side(
        run_id=outcome.run_id,
        state=outcome.state,
        winner=winner.point,
        points_searched=len({trial["point"] for trial in outcome.trials if trial["status"] != "dropped"}),
        epochs_spent=search["epochs"]["search"] + search["epochs"]["finalists"],
        macs=winner.macs.total,
        parameters=winner.parameters,
        valid_accuracy=winner.valid_accuracy,
        test_accuracy=overall.accuracy,
        cross_entropy=overall.cross_entropy,
        expected_calibration_error=overall.expected_calibration_error,
        trainer_seconds=measure_seconds(trainer) if trainer else None,
    )


def _find_right(predictions: Predictions) -> np.ndarray:
    right: np.ndarray = predictions.candidate.argmax(axis=1) == predictions.labels  # [images]
    return right
