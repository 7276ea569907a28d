"""What TFMA measures, by what it slices, and where the thresholds that bless a model apply."""

import json

import pytest
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.eval_config import make_eval_config


@pytest.fixture(scope="module")
def config() -> config_pb2.EvalConfig:
    return make_eval_config(min_accuracy=0.4, max_accuracy_drop=0.02)


def test_metrics_are_overall_accuracy_top_5_and_cross_entropy(config: config_pb2.EvalConfig) -> None:
    [spec] = config.metrics_specs
    assert {metric.class_name: json.loads(metric.config) for metric in spec.metrics} == {
        "ExampleCount": {},
        "SparseCategoricalAccuracy": {},
        "SparseTopKCategoricalAccuracy": {"k": 5, "name": "top_5_accuracy"},
        "SparseCategoricalCrossentropy": {"name": "cross_entropy"},
    }


def test_slices_are_all_images_each_label_and_each_quartile(config: config_pb2.EvalConfig) -> None:
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [
        [],
        ["label"],
        ["brightness_quartile"],
        ["contrast_quartile"],
    ]


def test_thresholds_apply_to_accuracy_over_all_images_alone(config: config_pb2.EvalConfig) -> None:
    thresholds = [metric for metric in config.metrics_specs[0].metrics if metric.per_slice_thresholds]
    assert [metric.class_name for metric in thresholds] == ["SparseCategoricalAccuracy"]
    [per_slice] = thresholds[0].per_slice_thresholds
    assert [list(spec.feature_keys) for spec in per_slice.slicing_specs] == [[]]
    assert per_slice.threshold.value_threshold.lower_bound.value == 0.4
    assert per_slice.threshold.change_threshold.absolute.value == -0.02
    assert not any(metric.HasField("threshold") for metric in config.metrics_specs[0].metrics)
