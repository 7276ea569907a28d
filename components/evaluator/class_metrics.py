"""Precision and recall of each class as TFMA metrics.

TFMA's own ones ask of each class whether its probability exceeds 0.5; the network's answer is the most probable class.
"""

import functools
from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util, multi_class_confusion_matrix_metrics
from tensorflow_model_analysis.proto import config_pb2

from components import features

PRECISION = "precision"
RECALL = "recall"


class ClassPrecisionRecall(metric_types.Metric):
    """Precision and recall of each class, from the confusion matrix.

    Args:
        name: Of this pair; the metrics are `precision` and `recall` with a class id.
        code_digest: Of this module's sources; TFX's cache sees it in the EvalConfig.
    """

    def __init__(self, name: str = "class_precision_recall", code_digest: str = "") -> None:
        super().__init__(metric_util.merge_per_key_computations(_make_computations), name=name, code_digest=code_digest)


def _make_computations(
    name: str,  # noqa: ARG001 (TFMA passes what the metric was made with)
    code_digest: str,  # noqa: ARG001
    eval_config: config_pb2.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    # By its own name, so that TFMA counts one matrix for this and for the confusion matrix.
    computations = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
        eval_config=eval_config,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    matrix_key = computations[-1].keys[-1]
    keys = {
        (metric, label): metric_types.MetricKey(
            name=metric,
            model_name=model_name,
            output_name=output_name,
            sub_key=metric_types.SubKey(class_id=label),
            example_weighted=example_weighted,
        )
        for metric in (PRECISION, RECALL)
        for label in range(features.NUM_CLASSES)
    }
    # A function by its name, so that Beam sends that to its workers and not the code.
    find_shares = functools.partial(_find_shares, matrix_key, keys)
    return [*computations, metric_types.DerivedMetricComputation(keys=list(keys.values()), result=find_shares)]


def _find_shares(
    matrix_key: metric_types.MetricKey,
    keys: dict[tuple[str, int], metric_types.MetricKey],
    values: dict[metric_types.MetricKey, Any],
) -> dict[metric_types.MetricKey, float]:
    """Returns the shares of all keys, which stand by metric and label."""
    [matrix] = values[matrix_key].values()  # of the one threshold, 0
    return {key: _find_share(matrix, metric, label) for (metric, label), key in keys.items()}


def _find_share(matrix: dict[Any, float], metric: str, label: int) -> float:
    """Returns a class's precision or recall; NaN if it was never predicted, or there is none of it."""
    axis = 0 if metric == RECALL else 1  # a key is (actual, predicted)
    images = sum(count for key, count in matrix.items() if key[axis] == label)
    hits = sum(count for key, count in matrix.items() if tuple(key) == (label, label))
    return hits / images if images else float("nan")
