"""The Gate, driven with real TFX artifacts: what it blesses, what it says, and that the Pusher obeys."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from run_folder import write_model_run
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.evaluator.gate import GateVerdict
from components.evaluator.verdict import Rule, Verdict, read_predictions
from components.pusher.component import Pusher
from pipeline.config import FULL, QUICK

JudgeModels = Callable[..., Any]
EVALUATION = dataclasses.replace(FULL.evaluation, min_accuracy=0.6, max_mmacs=None)
NUMBERS = dataclasses.asdict(EVALUATION)


def rule(verdict: Verdict, name: str) -> Rule:
    """Returns a rule by its name."""
    return next(rule for rule in verdict.rules if rule.name == name)


def draw_right(images: int, accuracy: float = 0.7) -> np.ndarray:
    """Draws which images are told, exactly so many."""
    return np.random.default_rng(1).permutation(images) < round(accuracy * images)


@pytest.mark.parametrize(("images", "config"), [(10_000, EVALUATION), (1000, QUICK.evaluation)], ids=["full", "quick"])
def test_a_model_equal_to_the_baseline_is_blessed(judge_models: JudgeModels, images: int, config: Any) -> None:
    right = draw_right(images)
    judged = judge_models(right, right, **dataclasses.asdict(config))
    assert judged.verdict.is_blessed
    assert judged.verdict.has_baseline
    assert judged.verdict.paired.difference == 0
    assert judged.verdict.paired.p_value == 1
    assert [rule.is_applied for rule in judged.verdict.rules] == [True, True, True, False]
    assert judged.verdict.note is None
    assert judged.verdict.candidate == judged.verdict.baseline


def test_the_blessing_says_what_tfxs_evaluator_says(judge_models: JudgeModels) -> None:
    right = draw_right(100)
    judged = judge_models(right, right, **dataclasses.asdict(QUICK.evaluation))
    assert judged.blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == constants.BLESSED_VALUE
    for role, model in (("CURRENT", judged.inputs["model"]), ("BASELINE", judged.inputs["baseline_model"])):
        uri, model_id = (getattr(constants, f"ARTIFACT_PROPERTY_{role}_MODEL_{part}_KEY") for part in ("URI", "ID"))
        assert judged.blessing.get_string_custom_property(uri) == model.uri
        assert judged.blessing.get_int_custom_property(model_id) == model.id
    assert [file.name for file in pathlib.Path(judged.blessing.uri).iterdir()] == ["BLESSED"]


@pytest.mark.parametrize("regained", [0, 1000], ids=["errs where the baseline errs", "errs elsewhere"])
def test_a_model_3_points_worse_on_10_000_images_is_not_blessed(judge_models: JudgeModels, regained: int) -> None:
    baseline_right = draw_right(10_000)
    right = baseline_right.copy()
    right[np.flatnonzero(baseline_right)[: 300 + regained]] = False
    right[np.flatnonzero(~baseline_right)[:regained]] = True
    judged = judge_models(right, baseline_right, **NUMBERS)
    assert not judged.verdict.is_blessed
    assert judged.blessing.get_int_custom_property("blessed") == 0
    assert [file.name for file in pathlib.Path(judged.blessing.uri).iterdir()] == ["NOT_BLESSED"]
    not_worse = rule(judged.verdict, "not_worse")
    assert not not_worse.passed
    assert not_worse.value == pytest.approx(-0.03)
    assert not_worse.interval is not None
    assert not_worse.interval[0] < -0.03 < not_worse.interval[1]
    [reason] = judged.verdict.reasons
    assert "-3.0 points" in reason
    assert "the lower end must be above -2.0" in reason


def test_the_first_model_is_judged_by_accuracy_and_compute_alone_and_says_so(judge_models: JudgeModels) -> None:
    judged = judge_models(draw_right(1000), None, **{**NUMBERS, "max_mmacs": 8.0})
    verdict = judged.verdict
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
    assert verdict.baseline is None
    assert verdict.paired is None
    assert read_predictions(judged.folder).baseline is None
    assert not judged.blessing.has_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY)


def test_a_first_model_below_the_floor_is_not_blessed(judge_models: JudgeModels) -> None:
    judged = judge_models(draw_right(1000, 0.55), None, **NUMBERS)
    assert not judged.verdict.is_blessed
    assert judged.verdict.note is not None
    assert judged.verdict.note.endswith("judged by its accuracy alone, for no compute budget is set.")
    assert judged.verdict.reasons == (
        "accuracy is 55.0% (51.9% to 58.1% with 95 % confidence); it must be at least 60.0%",
    )


def test_a_class_that_fell_is_rejected_although_the_others_make_up_for_it(judge_models: JudgeModels) -> None:
    baseline_right = draw_right(10_000)
    right = baseline_right.copy()
    cats = np.arange(10_000) % 10 == 3
    right[np.flatnonzero(cats & baseline_right)[:200]] = False
    right[np.flatnonzero(~cats & ~baseline_right)[:300]] = True
    judged = judge_models(right, baseline_right, **NUMBERS)
    assert not judged.verdict.is_blessed
    assert rule(judged.verdict, "not_worse").passed
    [reason] = judged.verdict.reasons
    assert "cat -20.0 points (-22.4 to -17.5 with 95 % confidence)" in reason
    assert "above -12.0 in every class" in reason


@pytest.mark.parametrize(("max_mmacs", "is_blessed"), [(7.62, True), (7.61, False)])
def test_a_model_over_its_budget_is_not_blessed(
    judge_models: JudgeModels,
    max_mmacs: float,
    is_blessed: bool,
) -> None:
    judged = judge_models(draw_right(200), None, macs=7_620_000, **{**NUMBERS, "max_mmacs": max_mmacs})
    assert judged.verdict.is_blessed == is_blessed
    sentence = f"the network needs 7.62 million multiply-accumulates an image; allowed are {max_mmacs:.2f}"
    assert rule(judged.verdict, "compute").sentence == sentence
    assert judged.verdict.reasons == (() if is_blessed else (sentence,))


def test_the_answers_of_both_models_are_kept_image_by_image(judge_models: JudgeModels) -> None:
    right, baseline_right = draw_right(1200, 0.7), draw_right(1200, 0.6)
    judged = judge_models(right, baseline_right, **NUMBERS)
    found = read_predictions(judged.folder)
    labels = np.arange(1200) % 10
    assert list(found.ids[[0, 1199]]) == ["test_00000", "test_01199"]
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.brightness_quartile, labels % 4)
    np.testing.assert_array_equal(found.contrast_quartile, labels // 3)
    assert found.baseline is not None
    for probabilities, expected in ((found.candidate, right), (found.baseline, baseline_right)):
        assert probabilities.dtype == np.float32
        np.testing.assert_array_equal(probabilities.argmax(axis=1) == labels, expected)
        np.testing.assert_allclose(probabilities.max(axis=1), 0.73)


@pytest.mark.parametrize(("min_accuracy", "pushed"), [(0.5, 1), (0.8, 0)], ids=["blessed", "not blessed"])
def test_the_pusher_obeys(judge_models: JudgeModels, tmp_path: pathlib.Path, min_accuracy: float, pushed: int) -> None:
    judged = judge_models(draw_right(100), None, **{**NUMBERS, "min_accuracy": min_accuracy})
    verdict, model_run, pushed_model = GateVerdict(), standard_artifacts.ModelRun(), standard_artifacts.PushedModel()
    verdict.uri = str(judged.folder)
    model_run.uri = str(write_model_run(tmp_path / "trained"))
    pushed_model.uri = str(tmp_path / "pushed")
    Pusher.test_call(
        model=judged.inputs["model"],
        model_run=model_run,
        verdict=verdict,
        model_blessing=judged.blessing,
        pushed_model=pushed_model,
        serving_dir=str(tmp_path / "serving"),
        keep_versions=1,
        metadata_path=str(tmp_path / "metadata.sqlite"),
        code_digest="",
    )
    assert pushed_model.get_int_custom_property("pushed") == pushed
    assert len(list((tmp_path / "serving").glob("*/saved_model.pb"))) == pushed
