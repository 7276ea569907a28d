"""TFX's Evaluator and the Gate measure the same of the first model, each in its own way."""

import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants
from workplace import Workplace

from components.evaluator.verdict import Scorecard, Slice, read_verdict

Metrics = dict[Any, dict[str, Any]]  # by slice


@pytest.fixture(scope="module")
def result(workplace: Workplace, first: Any) -> Any:
    """What TFMA found."""
    assert first
    return tfma.load_eval_result(workplace.first_output("Evaluator", "evaluation").uri)


@pytest.fixture(scope="module")
def measured(result: Any) -> Metrics:
    """The same, by slice."""
    return {key: metrics[""][""] for key, metrics in result.slicing_metrics}


@pytest.fixture(scope="module")
def card(workplace: Workplace, first: Any) -> Scorecard:
    """What the Gate found."""
    assert first
    return read_verdict(pathlib.Path(workplace.first_output("Gate", "verdict").uri)).candidate


def value(metrics: dict[str, Any], name: str) -> float:
    """Returns a plain metric of a slice."""
    return metrics[name]["doubleValue"]


def test_all_images_get_the_same_numbers(measured: Metrics, card: Scorecard) -> None:
    overall = measured[()]
    assert value(overall, "example_count") == card.images == 200
    assert value(overall, "sparse_categorical_accuracy") == pytest.approx(card.overall.accuracy.value)
    assert value(overall, "top_5_accuracy") == pytest.approx(card.overall.top_5_accuracy.value)
    assert value(overall, "cross_entropy") == pytest.approx(card.overall.cross_entropy.value, rel=1e-5)


def test_each_slice_gets_the_same_numbers(measured: Metrics, card: Scorecard) -> None:
    slices = {((piece.feature, piece.value),): piece for piece in card.slices}
    assert set(slices) == set(measured) - {()}
    assert len(slices) == 18
    for key, piece in slices.items():
        assert value(measured[key], "example_count") == piece.images
        assert value(measured[key], "sparse_categorical_accuracy") == pytest.approx(piece.accuracy.value)


def test_the_confusion_matrix_is_the_same(measured: Metrics, card: Scorecard) -> None:
    [matrix] = measured[()]["confusion_matrix"]["multiClassConfusionMatrixAtThresholds"]["matrices"]
    found = np.zeros((10, 10), int)
    for entry in matrix["entries"]:
        found[entry.get("actualClassId", 0), entry.get("predictedClassId", 0)] = entry["numWeightedExamples"]
    np.testing.assert_array_equal(found, card.confusion)


def test_each_class_has_the_same_precision_and_recall(result: Any, card: Scorecard) -> None:
    labels: list[Slice] = [piece for piece in card.slices if piece.feature == "label"]
    for piece in labels:
        found = result.get_metrics_for_slice((), class_id=piece.value)
        assert piece.recall is not None
        assert value(found, "recall") == pytest.approx(piece.recall.value)
        if piece.precision is None:
            assert found["precision"]["doubleValue"] in ("NaN", pytest.approx(float("nan"), nan_ok=True))
        else:
            assert value(found, "precision") == pytest.approx(piece.precision.value)


@pytest.mark.usefixtures("first")
def test_without_thresholds_the_evaluators_own_blessing_says_nothing(workplace: Workplace) -> None:
    blessing = workplace.first_output("Evaluator", "blessing")
    assert constants.ARTIFACT_PROPERTY_BLESSED_KEY not in blessing.custom_properties
