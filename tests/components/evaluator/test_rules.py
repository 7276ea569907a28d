"""What the rules bless and reject, on models whose true difference is known."""

import dataclasses

import numpy as np
import pytest

from components.evaluator.intervals import compare_paired
from components.evaluator.rules import compare_classes, judge_classes, judge_difference
from components.evaluator.verdict import Paired
from pipeline.config import FULL, QUICK, EvaluationConfig

DISAGREEMENT = 0.28  # of the images; two seeds of the profile quick's network had 0.2


def draw(
    random: np.random.Generator, images: int, drop: float = 0, disagreement: float = DISAGREEMENT
) -> tuple[np.ndarray, np.ndarray]:
    """Draws which images a candidate and a baseline get right, when the former is truly worse by `drop`."""
    cells = ((1 - disagreement) / 2, (disagreement - drop) / 2, (disagreement + drop) / 2, (1 - disagreement) / 2)
    cell = random.choice(4, size=images, p=cells)
    return cell < 2, cell % 2 == 0


def passes(right: np.ndarray, baseline_right: np.ndarray, config: EvaluationConfig) -> bool:
    """Tells whether both comparisons bless; the classes come in turn."""
    labels = np.arange(len(right)) % 10
    return (
        judge_difference(compare_paired(right, baseline_right), config.max_accuracy_drop).passed
        and judge_classes(compare_classes(right, baseline_right, labels), config.max_class_accuracy_drop).passed
    )


@pytest.mark.parametrize(
    ("config", "images"), [(QUICK.evaluation, 1000), (FULL.evaluation, 10_000)], ids=["quick", "full"]
)
def test_a_model_with_the_same_answers_is_blessed(config: EvaluationConfig, images: int) -> None:
    right = np.random.default_rng(0).random(images) < 0.6
    assert passes(right, right, config)


@pytest.mark.parametrize(
    ("config", "images", "share"),
    [(QUICK.evaluation, 1000, 0.9), (FULL.evaluation, 10_000, 0.95)],
    ids=["quick", "full"],
)
def test_a_model_as_good_that_errs_elsewhere_is_blessed_as_a_rule(
    config: EvaluationConfig, images: int, share: float
) -> None:
    random = np.random.default_rng(0)
    assert np.mean([passes(*draw(random, images), config) for _ in range(500)]) > share


def test_a_model_truly_3_points_worse_is_never_blessed_on_10_000_images() -> None:
    random = np.random.default_rng(0)
    blessed = [passes(*draw(random, 10_000, 0.03, disagreement=0.2), FULL.evaluation) for _ in range(2000)]
    assert not any(blessed)


@pytest.mark.parametrize("disagreement", [0.03, 0.1, 0.3, 0.6, 1.0])
def test_a_model_that_lost_300_images_of_10_000_is_not_blessed_however_much_it_disagrees(disagreement: float) -> None:
    discordant = round(disagreement * 10_000)
    gained, lost = (discordant - 300) // 2, (discordant + 300) // 2
    rest = 10_000 - gained - lost
    candidate = np.repeat([True, False, True], [gained, lost, rest])
    baseline = np.repeat([False, True, True], [gained, lost, rest])
    assert not judge_difference(compare_paired(candidate, baseline), FULL.evaluation.max_accuracy_drop).passed


def test_one_fallen_class_in_ten_is_rejected_and_named() -> None:
    right, baseline_right = draw(np.random.default_rng(0), 10_000, disagreement=0.1)
    cats = np.flatnonzero(np.arange(10_000) % 10 == 3)
    right[cats[:600]] = False
    baseline_right[cats[:600]] = np.arange(600) < 250
    labels = np.arange(10_000) % 10
    rule = judge_classes(compare_classes(right, baseline_right, labels), FULL.evaluation.max_class_accuracy_drop)
    assert not rule.passed
    assert rule.sentence.startswith("accuracy of classes, against the last blessed model's: cat -2")
    assert "dog" not in rule.sentence
    assert rule.value == pytest.approx(-0.25, abs=0.03)


@pytest.mark.parametrize("drop", [0.02, 0.12])
def test_a_drop_of_exactly_what_is_allowed_passes_one_time_in_forty(drop: float) -> None:
    random = np.random.default_rng(0)
    passed = [judge_difference(compare_paired(*draw(random, 2000, drop)), drop).passed for _ in range(4000)]
    assert np.mean(passed) == pytest.approx(0.025, abs=0.008)


def test_thresholds_stand_on_the_scale_of_their_value() -> None:
    right, baseline_right = draw(np.random.default_rng(0), 1000)
    rule = judge_difference(compare_paired(right, baseline_right), 0.5)
    assert rule.interval is not None
    assert rule.threshold == -0.5
    assert rule.threshold < rule.interval[0] < (rule.value or 0) < rule.interval[1]
    assert dataclasses.asdict(judge_difference(None, 0.5)) == {
        "name": "not_worse",
        "is_applied": False,
        "passed": True,
        "threshold": -0.5,
        "value": None,
        "interval": None,
        "sentence": "no other model was ever blessed",
    }


@pytest.mark.parametrize(("max_drop", "passed"), [(0.06, False), (0.2, False), (0.21, True)])
def test_the_lower_end_of_a_class_decides_not_its_difference(max_drop: float, passed: bool) -> None:
    cat = Paired(difference=-0.05, low=-0.2, high=0.1, p_value=0.5, only_candidate_right=3, only_baseline_right=8)
    dog = dataclasses.replace(cat, difference=0.1, low=0.05, high=0.2)
    assert judge_classes({"cat": cat, "dog": dog}, max_drop).passed is passed
