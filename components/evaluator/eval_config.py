"""The TFMA configuration: metrics, slices and the thresholds that bless a model."""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components import features

SIGNATURE = "serving_default"
PROBABILITIES = "probabilities"  # the signature's output, float32 [batch, classes]
FEATURES_SIGNATURE = "transform_features"
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
                signature_name=SIGNATURE,
                preprocessing_function_names=[FEATURES_SIGNATURE],
                prediction_key=PROBABILITIES,
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
                    config_pb2.MetricConfig(class_name="ExampleCount"),
                    config_pb2.MetricConfig(class_name="SparseCategoricalAccuracy", per_slice_thresholds=[overall]),
                    config_pb2.MetricConfig(
                        class_name="SparseTopKCategoricalAccuracy", config=f'{{"k": {TOP_K}, "name": "top_5_accuracy"}}'
                    ),
                    config_pb2.MetricConfig(
                        class_name="SparseCategoricalCrossentropy", config='{"name": "cross_entropy"}'
                    ),
                ]
            )
        ],
    )
