"""What the rules bless and reject, on models whose true difference is known."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scored_images import judge_predictions, measure_slices, predict, score_images

from components.artifacts.verdict import Paired, Rule, Verdict
from components.evaluator.config import EvaluationConfig
from components.evaluator.counts import CANDIDATE, Metrics, SliceKey
from components.evaluator.intervals import compare_paired
from components.evaluator.rules import compare_classes, judge, judge_classes, judge_difference
from components.image_dataset import CIFAR10
from components.scaled_defaults import choose_accuracy_drop, choose_class_accuracy_drop
from pipeline.config import QUICK

DISAGREEMENT = 0.28  # of the images; two seeds of the profile quick's network had 0.2


def draw(
    random: np.random.Generator, images: int, drop: float = 0, disagreement: float = DISAGREEMENT
) -> tuple[np.ndarray, np.ndarray]:
    """Draws which images a candidate and a baseline get right, when the former is truly worse by `drop`."""
    cells = ((1 - disagreement) / 2, (disagreement - drop) / 2, (disagreement + drop) / 2, (1 - disagreement) / 2)
    cell = random.choice(4, size=images, p=cells)
    return cell < 2, cell % 2 == 0


def count_pairs(right: np.ndarray, baseline_right: np.ndarray) -> dict[SliceKey, Metrics]:
    """Counts class by class, which come in turn, on which images only one model is right."""
    labels = np.arange(len(right)) % 10
    columns = {
        "example_count": np.ones_like(labels),
        "only_candidate_right": right & ~baseline_right,
        "only_baseline_right": baseline_right & ~right,
    }
    return {
        (("label", label),): {(CANDIDATE, name): column[labels == label].sum() for name, column in columns.items()}
        for label in range(10)
    }


def passes(right: np.ndarray, baseline_right: np.ndarray) -> bool:
    """Tells whether both comparisons bless, with the default drops."""
    images = len(right)
    by_class = compare_classes(count_pairs(right, baseline_right), CIFAR10.class_names)
    return (
        judge_difference(compare_paired(right, baseline_right), choose_accuracy_drop(images)).passed
        and judge_classes(by_class, dict.fromkeys(by_class, choose_class_accuracy_drop(images // 10))).passed
    )


@pytest.mark.parametrize(("images", "share"), [(300, 0.85), (1000, 0.9), (10_000, 0.95)])
def test_a_model_as_good_that_errs_elsewhere_is_blessed_as_a_rule(images: int, share: float) -> None:
    random = np.random.default_rng(0)
    assert np.mean([passes(*draw(random, images)) for _ in range(500)]) > share


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
        "message": "no other model was ever blessed",
    }


@pytest.mark.parametrize(("max_drop", "passed"), [(0.06, False), (0.2, False), (0.21, True)])
def test_the_lower_end_of_a_class_decides_not_its_difference(max_drop: float, passed: bool) -> None:
    cat = Paired(difference=-0.05, low=-0.2, high=0.1, p_value=0.5, only_candidate_right=3, only_baseline_right=8)
    dog = dataclasses.replace(cat, difference=0.1, low=0.05, high=0.2)
    assert judge_classes({"cat": cat, "dog": dog}, {"cat": max_drop, "dog": max_drop}).passed is passed


def test_each_class_has_the_drop_of_its_size_and_small_classes_are_not_judged() -> None:
    cat = Paired(difference=-0.05, low=-0.2, high=0.1, p_value=0.5, only_candidate_right=3, only_baseline_right=8)
    dog, cow = (dataclasses.replace(cat, low=low) for low in (-0.15, -0.9))
    passed = judge_classes({"cat": cat, "dog": dog, "cow": cow}, {"cat": 0.3, "dog": 0.16})
    assert (passed.passed, passed.threshold, passed.interval) == (True, -0.16, (-0.15, 0.1))
    assert passed.message.endswith(
        "dog -5.0 points (-15.0 to +10.0 with 95% confidence); the lower end must be above -16.0 for dog; "
        "not judged, for lack of test images: 1 of 3"
    )
    fallen = judge_classes({"cat": cat, "dog": dog, "cow": cow}, {"cat": 0.1, "dog": 0.12})
    assert (fallen.passed, fallen.threshold) == (False, -0.1)
    assert "the lower end must be above -10.0 for cat and -12.0 for dog" in fallen.message
    none = judge_classes({"cow": cow}, {})
    assert (none.is_applied, none.passed, none.message) == (False, True, "no class has enough test images")


def test_without_thresholds_those_of_the_test_images_count() -> None:
    labels = np.repeat([0, 1, 2], [60, 25, 15])
    right = np.arange(100) % 10 != 0
    scored = dataclasses.replace(
        score_images(right, right),
        labels=labels,
        brightness_quartile=np.arange(100) % 4,
        contrast_quartile=(np.arange(100) >= 50) + 0,
        candidate=predict(labels, right),
        baseline=predict(labels, right),
    )
    by_rule = EvaluationConfig(
        min_accuracy=None, max_accuracy_drop=None, max_class_accuracy_drop=None, min_slice_images=26, max_mmacs=None
    )
    verdict = judge(measure_slices([scored]), 1, by_rule, dataclasses.replace(QUICK.task, dataset="flowers"))
    # 0.6 and 4.25 sqrt(0.24 / 100), but at most 0.8; 4.25 sqrt(0.2 / 100); 0.06 + 4.25 sqrt(0.2 / 60).
    assert [rule.threshold for rule in verdict.rules] == [0.8, -0.19, -0.31, None]
    assert "not judged, for lack of test images: 2 of 3" in verdict.rules[2].message
    assert [found.images for found in verdict.candidate.slices] == [60, 25, 15, 50, 50]  # quartiles of 25 are left out


EVALUATION = EvaluationConfig(
    min_accuracy=0.6, max_accuracy_drop=0.02, max_class_accuracy_drop=0.12, min_slice_images=20, max_mmacs=None
)


def find_rule(verdict: Verdict, name: str) -> Rule:
    """Returns a rule by its name."""
    return next(rule for rule in verdict.rules if rule.name == name)


def draw_right(images: int, accuracy: float = 0.7) -> np.ndarray:
    """Draws on which images a model is right, exactly so many."""
    return np.random.default_rng(1).permutation(images) < round(accuracy * images)


def judge_right(right: np.ndarray, baseline_right: np.ndarray | None, macs: int = 7_620_000, **changes: Any) -> Verdict:
    """Judges a model that is right on some images, against another."""
    return judge_predictions(score_images(right, baseline_right), macs, dataclasses.replace(EVALUATION, **changes))


def test_a_model_equal_to_the_baseline_is_blessed() -> None:
    right = draw_right(10_000)
    verdict = judge_right(right, right)
    assert verdict.is_blessed
    assert verdict.has_baseline
    assert verdict.paired is not None
    assert (verdict.paired.difference, verdict.paired.p_value) == (0, 1)
    assert [rule.is_applied for rule in verdict.rules] == [True, True, True, False]
    assert verdict.note is None
    assert verdict.candidate == verdict.baseline


@pytest.mark.parametrize("regained", [0, 1000], ids=["errs where the baseline errs", "errs elsewhere"])
def test_a_model_3_points_worse_on_10_000_images_is_not_blessed(regained: int) -> None:
    baseline_right = draw_right(10_000)
    right = baseline_right.copy()
    right[np.flatnonzero(baseline_right)[: 300 + regained]] = False
    right[np.flatnonzero(~baseline_right)[:regained]] = True
    verdict = judge_right(right, baseline_right)
    assert not verdict.is_blessed
    not_worse = find_rule(verdict, "not_worse")
    assert not not_worse.passed
    assert not_worse.value == pytest.approx(-0.03)
    assert not_worse.interval is not None
    assert not_worse.interval[0] < -0.03 < not_worse.interval[1]
    [reason] = verdict.reasons
    assert "-3.0 points" in reason
    assert "the lower end must be above -2.0" in reason


def test_the_first_model_is_judged_by_accuracy_and_compute_alone_and_says_so() -> None:
    verdict = judge_right(draw_right(1000), None, max_mmacs=8.0)
    assert verdict.is_blessed
    assert not verdict.has_baseline
    assert {rule.name: rule.is_applied for rule in verdict.rules} == {
        "accuracy_floor": True,
        "not_worse": False,
        "no_class_fell": False,
        "compute": True,
    }
    assert verdict.note == (
        "No other model was ever blessed: this one was judged by its accuracy and its compute alone."
    )
    assert (verdict.baseline, verdict.paired) == (None, None)


def test_a_first_model_below_the_floor_is_not_blessed() -> None:
    verdict = judge_right(draw_right(1000, 0.55), None)
    assert not verdict.is_blessed
    assert verdict.note is not None
    assert verdict.note.endswith("judged by its accuracy alone, for no compute budget is set.")
    assert verdict.reasons == ("accuracy is 55.0% (51.9% to 58.1% with 95% confidence); it must be at least 60.0%",)


def test_a_class_that_fell_is_rejected_although_the_others_make_up_for_it() -> None:
    baseline_right = draw_right(10_000)
    right = baseline_right.copy()
    cats = np.arange(10_000) % 10 == 3
    right[np.flatnonzero(cats & baseline_right)[:200]] = False
    right[np.flatnonzero(~cats & ~baseline_right)[:300]] = True
    verdict = judge_right(right, baseline_right)
    assert not verdict.is_blessed
    assert find_rule(verdict, "not_worse").passed
    [reason] = verdict.reasons
    assert "cat -20.0 points (-22.4 to -17.5 with 95% confidence)" in reason
    assert "above -12.0 in every class" in reason


@pytest.mark.parametrize(("max_mmacs", "is_blessed"), [(7.62, True), (7.61, False)])
def test_a_model_over_its_budget_is_not_blessed(max_mmacs: float, is_blessed: bool) -> None:
    verdict = judge_right(draw_right(200), None, max_mmacs=max_mmacs)
    assert verdict.is_blessed == is_blessed
    message = f"the network needs 7.62 million multiply-accumulates an image; allowed are {max_mmacs:.2f}"
    assert find_rule(verdict, "compute").message == message
    assert verdict.reasons == (() if is_blessed else (message,))
