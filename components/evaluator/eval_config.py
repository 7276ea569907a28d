"""The TFMA configuration: metrics, slices and the thresholds that bless a model."""

import json
from collections.abc import Sequence

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components import features, signatures

TOP_K = 5


def make_eval_config(min_accuracy: float, max_accuracy_drop: float) -> config_pb2.EvalConfig:
    """Makes the TFMA configuration.

    Args:
        min_accuracy: Overall test accuracy below which no model is blessed, 0..1.
        max_accuracy_drop: How far overall test accuracy may fall below the last blessed model's, 0..1.

    Returns:
        Accuracy, top-5 accuracy and cross-entropy, overall and sliced by label, brightness and contrast.
    """
    # A plain threshold would apply to every slice.
    overall = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()],
        threshold=config_pb2.MetricThreshold(
            value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": min_accuracy}),
            change_threshold=config_pb2.GenericChangeThreshold(
                direction=config_pb2.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -max_accuracy_drop}
            ),
        ),
    )
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=signatures.SERVE_EXAMPLES,
                preprocessing_function_names=[signatures.TRANSFORM_FEATURES],
                prediction_key=signatures.PROBABILITIES,
                label_key=features.LABEL,
                model_type=tfma.TF_GENERIC,  # else TFMA first tries to load it as a Keras model
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.LABEL]),
            config_pb2.SlicingSpec(feature_keys=[features.BRIGHTNESS_QUARTILE]),
            config_pb2.SlicingSpec(feature_keys=[features.CONTRAST_QUARTILE]),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    _metric("ExampleCount"),
                    _metric("SparseCategoricalAccuracy", per_slice_thresholds=[overall]),
                    _metric("SparseTopKCategoricalAccuracy", k=TOP_K, name=f"top_{TOP_K}_accuracy"),
                    _metric("SparseCategoricalCrossentropy", name="cross_entropy"),
                ]
            )
        ],
    )


def _metric(
    class_name: str,
    per_slice_thresholds: Sequence[config_pb2.PerSliceMetricThreshold] = (),
    **arguments: str | int,
) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name, config=json.dumps(arguments), per_slice_thresholds=per_slice_thresholds
    )
