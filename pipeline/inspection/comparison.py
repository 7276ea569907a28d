"""Compares two runs, and their models on the same test images.

Axes: images.
"""

import dataclasses

import numpy as np
from rich.console import Console

from components.artifacts.verdict import Measure, Paired
from components.errors import DataFailure
from components.evaluator.intervals import compare_paired
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord, measure_seconds
from pipeline.inspection.layout import (
    describe_paired,
    format_measure,
    format_mmacs,
    format_seconds,
    format_share,
    print_sentences,
    print_table,
)
from pipeline.inspection.runs import RunFacts, read_facts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side(RunFacts):
    """One of the two runs, with more facts."""

    points_searched: int
    epochs_spent: int  # in the search and with the finalists
    parameters: int
    valid_accuracy: float  # of the final fit, 0..1
    cross_entropy: Measure
    expected_calibration_error: Measure
    trainer_seconds: float | None  # of the run that trained it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs; keys are those of `inspect compare --json`."""

    first: Side
    second: Side
    images: int  # of the test split, that both have scored
    paired: Paired  # the second, as the candidate, against the first, as the baseline


def read_comparison(root: Root, first: str, second: str) -> Comparison:
    """Compares two runs.

    Args:
        root: The pipeline root of both.
        first: The id of a run.
        second: The id of another run.

    Raises:
        UsageFailure: If one has not reached the Evaluator.
        DataFailure: If they have no test image in common.
    """
    records = [RunRecord(root, run_id) for run_id in (first, second)]
    sides = [_read_side(record) for record in records]
    paired, images = pair(*(record.read_right() for record in records))
    return Comparison(first=sides[0], second=sides[1], images=images, paired=paired)


def pair(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> tuple[Paired, int]:
    """Compares two models on the test images that both scored.

    Args:
        first: Ids of the images, str [images], and whether the first model is right on each, bool [images].
        second: The same of the second model.

    Returns:
        The second model, as the candidate, against the first, and the number of these images.

    Raises:
        DataFailure: If there is no such image.
    """
    common, of_first, of_second = np.intersect1d(first[0], second[0], return_indices=True)
    if not len(common):
        raise DataFailure("the two runs have no test image in common, so their models cannot be compared.")
    return compare_paired(second[1][of_second], first[1][of_first]), len(common)


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
        ("cross entropy", *(format_measure(side.cross_entropy, "{:.3f}".format) for side in sides)),
        ("calibration error", *(format_measure(side.expected_calibration_error) for side in sides)),
    ]
    print_table(console, ("", *(shorten(side.run_id) for side in sides)), rows, words=("",))
    paired = comparison.paired
    sentence = f"On the {comparison.images:,} test images of both, {describe_paired(paired, 'second', 'first')}"
    verdict = f"The second is {'more' if paired.difference > 0 else 'less'} accurate."
    if paired.low <= 0 <= paired.high:
        verdict = "On these images the two are statistically indistinguishable."
    scope = "This compares two models, not two configurations: other seeds may differ by more."
    print_sentences(console, "Paired", [f"{sentence} {verdict} {scope}"])


def _read_side(record: RunRecord) -> Side:
    winner, search, verdict, trainer = record.winner, record.search, record.verdict, record.find_trainer()
    record.require("verdict", verdict)
    assert winner is not None
    assert search is not None
    assert verdict is not None
    overall = verdict.candidate.overall
    searched = [trial for trial in record.trials if trial.status != "dropped"]
    return Side(
        **vars(read_facts(record)),
        points_searched=len({trial.point for trial in searched if trial.stage != "backbone"}),
        epochs_spent=search.epochs.backbone + search.epochs.search + search.epochs.finalists,
        parameters=winner.parameters,
        valid_accuracy=winner.valid_accuracy,
        cross_entropy=overall.cross_entropy,
        expected_calibration_error=overall.expected_calibration_error,
        trainer_seconds=measure_seconds(trainer) if trainer else None,
    )
