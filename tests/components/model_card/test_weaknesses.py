"""Weaknesses: the weakest classes and quarters, and the most frequent confusions.

Axes: images, classes.
"""

import numpy as np
import pytest
from scored_images import measure_slices

from components.artifacts.predictions import Predictions
from components.evaluator.counts import CANDIDATE
from components.evaluator.scorecard import score
from components.model_card.weaknesses import Weaknesses, find_weaknesses


@pytest.fixture(scope="module")
def weaknesses() -> Weaknesses:
    """Of a model that takes 3 of 10 cats for dogs, 2 dogs for cats and 1 bird for a deer, and is always 60 % sure."""
    labels = np.repeat(np.arange(10), 10)
    answers = labels.copy()
    answers[30:33], answers[50:52], answers[20] = 5, 3, 4
    probabilities = np.where(np.arange(10) == answers[:, None], 0.6, 0.4 / 9).astype(np.float32)  # [images, classes]
    predictions = Predictions(
        ids=np.array([f"test_{n:05d}" for n in range(100)]),
        labels=labels,
        brightness_quartile=labels // 3,
        contrast_quartile=3 - labels // 3,
        candidate=probabilities,
        baseline=None,
    )
    return find_weaknesses(score(measure_slices([predictions]), CANDIDATE))


def test_the_weakest_classes_come_first(weaknesses: Weaknesses) -> None:
    assert [(found.name, found.accuracy.value) for found in weaknesses.classes] == [
        ("cat", 0.7), ("dog", 0.8), ("bird", 0.9),
    ]  # fmt: skip


def test_the_weakest_quarters_are_one_by_brightness_and_one_by_contrast(weaknesses: Weaknesses) -> None:
    assert [(found.name, found.images) for found in weaknesses.quarters] == [
        ("second darkest quarter", 30), ("second highest contrast quarter", 30),
    ]  # fmt: skip


def test_confusions_are_counted_by_what_is_shown_and_what_is_said(weaknesses: Weaknesses) -> None:
    assert [(each.actual, each.predicted, each.images, each.of) for each in weaknesses.confusions] == [
        ("cat", "dog", 3, 10), ("dog", "cat", 2, 10), ("bird", "deer", 1, 10),
    ]  # fmt: skip
