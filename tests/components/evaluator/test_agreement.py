"""TFX's Evaluator and the Gate say the same of a real network on real images, each by its own way."""

import json
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.evaluator import constants
from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features
from components.evaluator import extractors, scoring
from components.evaluator.eval_config import make_eval_config
from components.evaluator.gate import Gate, GateVerdict
from components.evaluator.verdict import Scorecard, Slice, read_verdict
from components.trainer.export import export_model
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.beam_options import make_step_arguments

Metrics = dict[Any, dict[str, Any]]  # by slice


@pytest.fixture(scope="module")
def artifacts(sample: Any, transform: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A network that nobody trained, and the sample as the test split."""
    folder = tmp_path_factory.mktemp("agreement")
    kinds = {
        "examples": standard_artifacts.Examples,
        "model": standard_artifacts.Model,
        "model_run": standard_artifacts.ModelRun,
        "blessing": standard_artifacts.ModelBlessing,
        "evaluator_blessing": standard_artifacts.ModelBlessing,
        "evaluation": standard_artifacts.ModelEvaluation,
        "verdict": GateVerdict,
    }
    found = {}
    for name, kind in kinds.items():
        found[name] = kind()
        found[name].uri = str(folder / name)
    found["examples"].split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    split = folder / "examples" / "Split-test"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "test.tfrecord")) as writer:
        for record in sample.records:
            writer.write(record)
    keras.utils.set_random_seed(1)
    network = ViTConfig(image_size=32, patch_size=8, dim=8, depth=1, num_heads=2, mlp_dims=(8,), num_classes=10)
    export_model(transform, build_vit(network), path_utils.serving_model_dir(found["model"].uri))
    (folder / "model_run").mkdir()
    (folder / "model_run" / "winner.json").write_text(json.dumps({"macs": {"total": 1}}))
    return found


@pytest.fixture(scope="module")
def measured(artifacts: dict[str, Any]) -> Metrics:
    """What TFMA found, by slice, in batches that were cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractors, "BATCH_SIZE", 7)
        _evaluate(artifacts)
    result = tfma.load_eval_result(artifacts["evaluation"].uri)
    return {key: metrics[""][""] for key, metrics in result.slicing_metrics}


def _evaluate(artifacts: dict[str, Any]) -> None:
    Evaluator(Evaluator.Context(beam_pipeline_args=make_step_arguments(()))).Do(
        {"examples": [artifacts["examples"]], "model": [artifacts["model"]]},
        {"blessing": [artifacts["evaluator_blessing"]], "evaluation": [artifacts["evaluation"]]},
        {
            "eval_config": json_format.MessageToJson(make_eval_config(code_digest="")),
            "example_splits": json.dumps([features.TEST_SPLIT]),
            "module_path": extractors.__name__,
        },
    )


@pytest.fixture(scope="module")
def card(artifacts: dict[str, Any]) -> Scorecard:
    """What the Gate found, in batches of another size."""
    names = ("examples", "model", "model_run", "blessing", "verdict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "BATCH_SIZE", 25)
        Gate.test_call(
            **{name: artifacts[name] for name in names},
            min_accuracy=0.0,
            max_accuracy_drop=0.0,
            max_class_accuracy_drop=0.0,
            code_digest="",
        )
    return read_verdict(pathlib.Path(artifacts["verdict"].uri)).candidate


def value(metrics: dict[str, Any], name: str) -> float:
    """Returns a plain metric of a slice."""
    return metrics[name]["doubleValue"]


def test_all_images_get_the_same_numbers(measured: Metrics, card: Scorecard) -> None:
    overall = measured[()]
    assert value(overall, "example_count") == card.images == 60
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


def test_each_class_has_the_same_precision_and_recall(
    artifacts: dict[str, Any], measured: Metrics, card: Scorecard
) -> None:
    del measured  # has to be there
    labels: list[Slice] = [piece for piece in card.slices if piece.feature == "label"]
    result = tfma.load_eval_result(artifacts["evaluation"].uri)
    for piece in labels:
        found = result.get_metrics_for_slice((), class_id=piece.value)
        assert piece.recall is not None
        assert value(found, "recall") == pytest.approx(piece.recall.value)
        if piece.precision is None:
            assert found["precision"]["doubleValue"] in ("NaN", pytest.approx(float("nan"), nan_ok=True))
        else:
            assert value(found, "precision") == pytest.approx(piece.precision.value)


def test_without_thresholds_the_evaluators_own_blessing_says_nothing(
    artifacts: dict[str, Any], measured: Metrics
) -> None:
    del measured  # has to be there
    assert not artifacts["evaluator_blessing"].has_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
