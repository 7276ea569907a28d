"""The weakest classes and quarters, and the most frequent confusions.

Axes: images, classes.
"""

import numpy as np
from scored_images import measure_slices

from components.artifacts.predictions import Predictions
from components.evaluator.counts import CANDIDATE
from components.evaluator.scorecard import score
from components.image_dataset import CIFAR10
from components.model_card.weaknesses import find_weaknesses


def test_the_weakest_classes_quarters_and_confusions_come_first() -> None:
    labels = np.repeat(np.arange(10), 10)
    predicted = labels.copy()
    predicted[30:33], predicted[50:52], predicted[20] = 5, 3, 4  # 3 cats as dogs, 2 dogs as cats, 1 bird as deer
    probabilities = np.where(np.arange(10) == predicted[:, None], 0.6, 0.4 / 9).astype(np.float32)  # [images, classes]
    predictions = Predictions(
        ids=np.array([f"test_{n:05d}" for n in range(100)]),
        labels=labels,
        brightness_quartile=labels // 3,
        contrast_quartile=3 - labels // 3,
        candidate=probabilities,
        baseline=None,
    )
    weaknesses = find_weaknesses(
        score(measure_slices([predictions]), CANDIDATE, CIFAR10.class_names), CIFAR10.class_names
    )
    assert [(found.name, found.accuracy.value) for found in weaknesses.classes] == [
        ("cat", 0.7), ("dog", 0.8), ("bird", 0.9),
    ]  # fmt: skip
    assert [(found.name, found.images) for found in weaknesses.quarters] == [
        ("second darkest quarter", 30), ("second highest contrast quarter", 30),
    ]  # fmt: skip
    assert [(each.actual, each.predicted, each.images, each.of) for each in weaknesses.confusions] == [
        ("cat", "dog", 3, 10), ("dog", "cat", 2, 10), ("bird", "deer", 1, 10),
    ]  # fmt: skip
