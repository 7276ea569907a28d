"""Finds splits whose classes are balanced differently from train."""

from collections.abc import Mapping

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components import features


def describe_skew(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList], schema: schema_pb2.Schema
) -> list[str]:
    """Describes the splits that differ too much from train, by the schema's skew comparators.

    Args:
        statistics: By split; all of `features.SPLITS`.
        schema: Its `skew_comparator`s name the features and the distances allowed.

    Returns:
        One clause for each feature and split.
    """
    findings = []
    for split in (features.VALID_SPLIT, features.TEST_SPLIT):
        anomalies = tfdv.validate_statistics(
            statistics[features.TRAIN_SPLIT], schema, serving_statistics=statistics[split]
        )
        for name, info in sorted(anomalies.anomaly_info.items()):
            findings += [
                f"feature {name!r} is balanced differently in train and {split}: {reason.description.rstrip('.')}"
                for reason in info.reason
                if reason.type == anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH
            ]
    return findings
