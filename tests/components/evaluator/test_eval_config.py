"""What TFMA measures, and by what it slices."""

import json

import pytest
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.eval_config import make_eval_config


@pytest.fixture(scope="module")
def config() -> config_pb2.EvalConfig:
    return make_eval_config(code_digest="d1")


def test_metrics_are_shares_cross_entropy_confusion_and_those_of_each_class(config: config_pb2.EvalConfig) -> None:
    [spec] = config.metrics_specs
    assert {metric.class_name: json.loads(metric.config) for metric in spec.metrics} == {
        "ExampleCount": {},
        "SparseCategoricalAccuracy": {},
        "SparseTopKCategoricalAccuracy": {"k": 5, "name": "top_5_accuracy"},
        "SparseCategoricalCrossentropy": {"name": "cross_entropy"},
        "MultiClassConfusionMatrixAtThresholds": {"thresholds": [0.0], "name": "confusion_matrix"},
        "ClassPrecisionRecall": {"code_digest": "d1"},
    }


def test_slices_are_all_images_each_label_and_each_quartile(config: config_pb2.EvalConfig) -> None:
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [
        [],
        ["label"],
        ["brightness_quartile"],
        ["contrast_quartile"],
    ]


def test_no_metric_has_a_threshold(config: config_pb2.EvalConfig) -> None:
    for metric in config.metrics_specs[0].metrics:
        assert not metric.HasField("threshold")
        assert not metric.per_slice_thresholds
