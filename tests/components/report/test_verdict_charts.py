"""The chart of slices for any number of classes."""

import dataclasses

import numpy as np
import pytest
from scored_images import judge_predictions, score_images

from components.artifacts.verdict import Measure, Scorecard, Slice
from components.report.verdict_charts import draw_slices


@pytest.mark.parametrize(("classes", "first_drawn"), [(2, 0), (20, 0), (100, 80)])
def test_of_many_classes_the_least_accurate_are_drawn(classes: int, first_drawn: int) -> None:
    """The later the class, the less accurate."""
    accuracies = [1 - label / classes for label in range(classes)]
    slices = tuple(
        Slice(
            feature="label",
            value=label,
            name=f"class{label:03}",
            images=50,
            accuracy=Measure(value=accuracy, low=accuracy, high=accuracy),
        )
        for label, accuracy in enumerate(accuracies)
    )
    measured = judge_predictions(score_images(np.arange(40) % 2 == 0), 1).candidate
    scorecard: Scorecard = dataclasses.replace(measured, slices=(*slices, *measured.slices[-8:]))
    drawn = draw_slices(scorecard, scorecard)
    assert [f"class{label:03}, candidate" in drawn for label in range(classes)] == [
        label >= first_drawn for label in range(classes)
    ]
    assert f"of {classes - first_drawn + 8} slices" in drawn
