"""Finds splits whose classes are balanced differently from train."""

import math
from collections.abc import Mapping

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components import features

_TOLERANCE = 0.002  # Jensen-Shannon divergence beyond chance


def describe_skew(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList], schema: schema_pb2.Schema
) -> list[str]:
    """Describes the splits that differ too much from train, by the schema's skew comparators.

    Args:
        statistics: By split; all of `features.SPLITS`.
        schema: Its `skew_comparator`s name the features and the distances allowed; labels without one have a default,
            which leaves room for chance in a small split.

    Returns:
        One clause for each feature and split.
    """
    findings = []
    for split in (features.VALID_SPLIT, features.TEST_SPLIT):
        limited = _limit_label(schema, statistics[split])
        anomalies = tfdv.validate_statistics(
            statistics[features.TRAIN_SPLIT], limited, serving_statistics=statistics[split]
        )
        for name, info in sorted(anomalies.anomaly_info.items()):
            findings += [
                f"feature {name!r} is balanced differently in train and {split}: {reason.description.rstrip('.')}"
                for reason in info.reason
                if reason.type == anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH
            ]
    return findings


def _limit_label(
    schema: schema_pb2.Schema, statistics: statistics_pb2.DatasetFeatureStatisticsList
) -> schema_pb2.Schema:
    """Returns the schema with a limit of the label's divergence: four standard deviations above that of chance."""
    limited = schema_pb2.Schema.FromString(schema.SerializeToString())
    for feature in limited.feature:
        if feature.name == features.LABEL and not feature.HasField("skew_comparator"):
            freedom, images = feature.int_domain.max, max(1, statistics.datasets[0].num_examples)
            by_chance = (freedom + 4 * math.sqrt(2 * freedom)) / (8 * images)
            feature.skew_comparator.jensen_shannon_divergence.threshold = _TOLERANCE + by_chance
    return limited
