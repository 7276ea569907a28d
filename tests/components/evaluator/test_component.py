"""The Evaluator, driven with real TFX artifacts: its files, its blessing, and that the Pusher obeys."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from run_folder import write_model_run
from scored_images import measure_slices, score_images
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.artifacts.predictions import Predictions, make_schema, stream_predictions
from components.evaluator.artifact import EvaluationVerdict
from components.evaluator.config import EvaluationConfig
from components.evaluator.intervals import compare_paired
from components.evaluator.rules import judge
from components.pusher.component import Pusher
from pipeline.config import QUICK

THRESHOLDS = EvaluationConfig(
    min_accuracy=0.5, max_accuracy_drop=0.12, max_class_accuracy_drop=0.9, min_slice_images=1, max_mmacs=None
)


def draw(accuracy: float, baseline_accuracy: float | None = None, images: int = 300) -> Predictions:
    """Draws predictions of models with these accuracies; more than two batches of them."""
    random = np.random.default_rng(0)
    candidate = random.permutation(images) < round(accuracy * images)
    if baseline_accuracy is None:
        return score_images(candidate)
    return score_images(candidate, random.permutation(images) < round(baseline_accuracy * images))


SCORED = {"better": draw(0.75, 0.7), "worse": draw(0.55, 0.7), "first": draw(0.7), "bad first": draw(0.45)}


@pytest.fixture(scope="module")
def judged(evaluate: Callable[..., Any]) -> dict[str, Any]:
    """What the Evaluator makes of each of `SCORED`."""
    return {name: evaluate(scored, THRESHOLDS) for name, scored in SCORED.items()}


def value(metrics: dict[str, Any], name: str) -> float:
    """Returns a plain metric of a slice, as `tfma.load_eval_result` gives it."""
    return float(metrics[""][""][name]["doubleValue"])


def test_with_a_baseline_tfma_reads_metrics_slices_differences_and_paired_counts(judged: dict[str, Any]) -> None:
    scored, evaluation = SCORED["better"], judged["better"].evaluation
    found = dict(tfma.load_eval_result(evaluation).slicing_metrics)
    baseline = dict(tfma.load_eval_result(evaluation, model_name="baseline").slicing_metrics)
    assert set(found) == set(baseline) == set(measure_slices([scored]))
    assert len(found) == 1 + 10 + 4 + 4
    assert scored.baseline is not None
    right, baseline_right = scored.is_right(), scored.baseline.argmax(axis=1) == scored.labels
    for key, metrics in found.items():
        columns = {"label": scored.labels, **{name: getattr(scored, name) for name, _ in key if name != "label"}}
        inside = np.logical_and.reduce([np.ones_like(right), *(columns[name] == number for name, number in key)])
        assert value(metrics, "example_count") == inside.sum()
        assert value(metrics, "accuracy") == pytest.approx(right[inside].mean())
        assert value(baseline[key], "accuracy") == pytest.approx(baseline_right[inside].mean())
        difference = right[inside].mean() - baseline_right[inside].mean()
        assert value(metrics, "accuracy_diff") == pytest.approx(difference)
        assert value(metrics, "both_right") == (right & baseline_right)[inside].sum()
        assert value(metrics, "only_candidate_right") == (right & ~baseline_right)[inside].sum()
        assert value(metrics, "only_baseline_right") == (~right & baseline_right)[inside].sum()
        assert value(metrics, "neither_right") == (~right & ~baseline_right)[inside].sum()
    confusion = found[()][""][""]["confusion_matrix"]["arrayValue"]
    assert np.reshape(confusion["float64Values"], (10, 10)).trace() == right.sum()


def test_the_verdict_is_that_of_the_rules_on_the_same_images(judged: dict[str, Any]) -> None:
    scored, verdict = SCORED["better"], judged["better"].verdict
    expected = judge(measure_slices([scored]), 7_620_000, THRESHOLDS, QUICK.task)
    assert expected.baseline is not None
    assert verdict.candidate.overall.accuracy == expected.candidate.overall.accuracy
    assert verdict.candidate.slices == expected.candidate.slices
    assert verdict.baseline.confusion == expected.baseline.confusion
    assert verdict.rules == expected.rules
    assert scored.baseline is not None
    baseline_right = scored.baseline.argmax(axis=1) == scored.labels
    assert verdict.paired == expected.paired == compare_paired(scored.is_right(), baseline_right)


def test_the_predictions_of_both_models_are_kept_image_by_image(judged: dict[str, Any]) -> None:
    scored, batches = SCORED["better"], list(stream_predictions(judged["better"].folder))
    assert len(scored.ids) > 2 * 128
    order = np.argsort(np.concatenate([batch.ids for batch in batches]))
    for name in make_schema(scored.models).names:
        found = np.concatenate([getattr(batch, name) for batch in batches])[order]
        np.testing.assert_array_equal(found, getattr(scored, name))
        assert found.dtype.kind == getattr(scored, name).dtype.kind


@pytest.mark.parametrize(
    ("name", "is_blessed"), [("better", True), ("worse", False), ("first", True), ("bad first", False)]
)
def test_tfma_and_the_blessing_agree_with_the_verdict(judged: dict[str, Any], name: str, is_blessed: bool) -> None:
    found = judged[name]
    assert found.verdict.is_blessed == is_blessed
    result = tfma.load_validation_result(found.evaluation)
    assert result.validation_ok == is_blessed
    messages = [failure.message for each in result.metric_validations_per_slice for failure in each.failures]
    assert messages == list(found.verdict.reasons)
    assert bool(messages) != is_blessed
    expected = constants.BLESSED_VALUE if is_blessed else constants.NOT_BLESSED_VALUE
    assert found.blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == expected
    names = [file.name for file in pathlib.Path(found.blessing.uri).iterdir()]
    assert names == ["BLESSED" if is_blessed else "NOT_BLESSED"]
    for role, key in (("CURRENT", "model"), ("BASELINE", "baseline_model")):
        uri, model_id = (getattr(constants, f"ARTIFACT_PROPERTY_{role}_MODEL_{part}_KEY") for part in ("URI", "ID"))
        model = found.inputs.get(key)
        assert found.blessing.has_custom_property(model_id) == (model is not None)
        if model:
            assert found.blessing.get_string_custom_property(uri) == model.uri
            assert found.blessing.get_int_custom_property(model_id) == model.id


def test_without_a_baseline_tfma_reads_the_metrics_of_the_candidate(judged: dict[str, Any]) -> None:
    result = tfma.load_eval_result(judged["first"].evaluation)
    metrics = dict(result.slicing_metrics)[()]
    assert value(metrics, "accuracy") == pytest.approx(0.7)
    assert "accuracy_diff" not in json.dumps(metrics)
    assert [spec.name for spec in result.config.model_specs] == ["candidate"]
    assert next(stream_predictions(judged["first"].folder)).baseline is None


def test_a_model_that_does_not_return_probabilities_is_an_error(evaluate: Callable[..., Any]) -> None:
    scored = draw(0.75)
    scored.candidate[7, 3], scored.candidate[8, 3] = np.nan, 0.5
    with pytest.raises(Exception, match="does not return probabilities for 2 images"):
        evaluate(scored, THRESHOLDS)


@pytest.mark.parametrize(("name", "pushed"), [("first", 1), ("bad first", 0)])
def test_the_pusher_obeys(judged: dict[str, Any], tmp_path: pathlib.Path, name: str, pushed: int) -> None:
    verdict, model_run = EvaluationVerdict(), standard_artifacts.ModelRun()
    pushed_model = standard_artifacts.PushedModel()
    verdict.uri = str(judged[name].folder)
    model_run.uri = str(write_model_run(tmp_path / "trained"))
    pushed_model.uri = str(tmp_path / "pushed")
    Pusher.test_call(
        model=judged[name].inputs["model"],
        model_run=model_run,
        verdict=verdict,
        model_blessing=judged[name].blessing,
        pushed_model=pushed_model,
        serving_dir=str(tmp_path / "serving"),
        keep_versions=1,
        metadata_path=str(tmp_path / "metadata.sqlite"),
        code_digest="",
    )
    assert pushed_model.get_int_custom_property("pushed") == pushed
    assert len(list((tmp_path / "serving").glob("*/saved_model.pb"))) == pushed
