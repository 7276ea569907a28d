"""The TFMA configuration: metrics and slices; what blesses a model is the Gate's affair."""

import json

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components import features, signatures
from components.evaluator.class_metrics import ClassPrecisionRecall

TOP_K = 5


def make_eval_config(code_digest: str) -> config_pb2.EvalConfig:
    """Makes the TFMA configuration.

    It holds no threshold, so TFX's Evaluator leaves its own blessing without the property `blessed`. Intervals are the
    Gate's (TFMA's jackknife takes three times the time), and so is the calibration error (TFMA's is for two classes).

    Args:
        code_digest: Of our own sources that TFMA runs; makes TFX's cache see an edit of them.

    Returns:
        Number of examples, accuracy, top-5 accuracy, cross-entropy, confusion matrix, precision and recall by class;
        overall and sliced by label, brightness and contrast.
    """
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
                    _metric("SparseCategoricalAccuracy"),
                    _metric("SparseTopKCategoricalAccuracy", k=TOP_K, name=f"top_{TOP_K}_accuracy"),
                    _metric("SparseCategoricalCrossentropy", name="cross_entropy"),
                    # By default an answer with less than 0.5 counts as none.
                    _metric("MultiClassConfusionMatrixAtThresholds", thresholds=[0.0], name="confusion_matrix"),
                    _metric(
                        ClassPrecisionRecall.__name__, module=ClassPrecisionRecall.__module__, code_digest=code_digest
                    ),
                ]
            )
        ],
    )


def _metric(class_name: str, module: str = "", **arguments: str | int | list[float]) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(class_name=class_name, module=module, config=json.dumps(arguments))
