"""The Evaluator's output `evaluation`: files that TensorFlow Model Analysis reads.

TFMA writes and reads them; the metrics are ours. TFMA has no paired counts of two models, scores an image once more for
every slice of a metric that looks at both, and its Keras metrics take three times as long.
"""

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from components import features, signatures
from components.artifacts.lite_comparison import LITE_NAMES
from components.artifacts.verdict import Verdict
from components.evaluator.counts import BASELINE, CANDIDATE, MEANS, Metrics, SliceKey

_DIFFERENCES = MEANS[:3]  # metrics that TFMA shows as candidate minus baseline, too
_VALIDATION_FILE = "validations.tfrecord"


def write_metrics(found: beam.PCollection, folder: str, models: dict[str, str]) -> None:
    """Writes the metrics of all slices.

    Args:
        found: Pairs of `SliceKey` and `Metrics`.
        folder: Of the artifact.
        models: Location of each model by its name.
    """
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=name,
                is_baseline=name == BASELINE,
                signature_name=signatures.SERVE_EXAMPLES,
                prediction_key=signatures.PROBABILITIES,
                label_key=features.LABEL,
                model_type=tfma.TF_LITE if name in LITE_NAMES else tfma.TF_GENERIC,
            )
            for name in models
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(feature_keys=keys)
            for keys in ([], [features.LABEL], [features.BRIGHTNESS_QUARTILE], [features.CONTRAST_QUARTILE])
        ],
    )
    writers = [
        tfma.writers.EvalConfigWriter(folder, eval_config=config, model_locations=models),
        tfma.writers.MetricsPlotsAndValidationsWriter({tfma.METRICS_KEY: f"{folder}/{tfma.METRICS_KEY}"}, config),
    ]
    metrics = found | "NameForTfma" >> beam.MapTuple(lambda key, values: (key, name_for_tfma(values)))
    {tfma.METRICS_KEY: metrics} | "WriteEvaluation" >> tfma.WriteResults(writers=writers)


def name_for_tfma(metrics: Metrics) -> dict[metric_types.MetricKey, float | np.ndarray]:
    """Returns the metrics of a slice by TFMA's keys, with differences to the baseline."""
    named = {
        metric_types.MetricKey(name, model_name=model): value if value.ndim else float(value)
        for (model, name), value in metrics.items()
    }
    if (BASELINE, MEANS[0]) in metrics:
        for name in _DIFFERENCES:
            key = metric_types.MetricKey(name, model_name=CANDIDATE, is_diff=True)
            named[key] = float(metrics[CANDIDATE, name] - metrics[BASELINE, name])
    return named


def read_metrics(folder: str) -> dict[SliceKey, Metrics]:
    """Reads what `write_metrics` wrote."""
    return {_read_key(found): _read_values(found) for found in tfma.load_metrics(folder)}


def _read_key(found: metrics_for_slice_pb2.MetricsForSlice) -> SliceKey:
    return tuple((key.column, key.int64_value) for key in found.slice_key.single_slice_keys)


def _read_values(found: metrics_for_slice_pb2.MetricsForSlice) -> Metrics:
    values: Metrics = {}
    for item in found.metric_keys_and_values:
        if not item.key.is_diff:
            array = item.value.array_value
            value = (
                np.reshape(array.float64_values, array.shape)
                if item.value.HasField("array_value")
                else np.asarray(item.value.double_value.value)
            )
            values[item.key.model_name, item.key.name] = value
    return values


def write_validation(verdict: Verdict, folder: str) -> None:
    """Writes the verdict as TFMA's validation result, with a failure for each rule that is broken."""
    result = validation_result_pb2.ValidationResult(validation_ok=verdict.is_blessed)
    broken = [rule for rule in verdict.rules if not rule.passed]
    if broken:
        overall = result.metric_validations_per_slice.add()  # of the slice without keys
        for rule in broken:
            failure = overall.failures.add(message=rule.message)
            failure.metric_key.name, failure.metric_key.model_name = rule.name, CANDIDATE
            failure.metric_value.double_value.value = rule.value
    with tf.io.TFRecordWriter(f"{folder}/{_VALIDATION_FILE}") as writer:
        writer.write(result.SerializeToString())
