"""Describes anomalies and bad images in words, without TensorFlow."""

import collections
from collections.abc import Iterable
from typing import NamedTuple

from tensorflow_metadata.proto.v0 import anomalies_pb2

_NAMED_IMAGES = 10  # ids listed for each kind of bad image
_PLAIN = {  # instead of TFDV's own descriptions
    anomalies_pb2.AnomalyInfo.INVALID_FEATURE_SHAPE: "not every example has exactly one value",
    anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN: "the schema does not have this feature",
}


class BadImage(NamedTuple):
    """An image that cannot be trained on."""

    split: str
    example_id: str
    reason: str  # such as "cannot be decoded"


def describe_anomalies(anomalies: anomalies_pb2.Anomalies, split: str) -> list[str]:
    """Describes the anomalies that TFDV found in one split.

    Args:
        anomalies: Of `tfdv.validate_statistics` or ExampleValidator.
        split: Its name.

    Returns:
        One clause for each reason, ordered by feature.
    """
    findings = [
        f"feature {name!r} in split {split}: {_PLAIN.get(reason.type, reason.description.rstrip('.'))}"
        for name, info in sorted(anomalies.anomaly_info.items())
        for reason in info.reason
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        findings.append(f"split {split}: {anomalies.dataset_anomaly_info.description.rstrip('.')}")
    return findings


def describe_bad_images(bad_images: Iterable[BadImage]) -> list[str]:
    """Returns one clause for each split and reason, with the count and the first ids."""
    ids = collections.defaultdict(list)
    for image in bad_images:
        ids[image.split, image.reason].append(image.example_id)
    findings = []
    for (split, reason), names in sorted(ids.items()):
        named = ", ".join(sorted(names)[:_NAMED_IMAGES])
        more = f" and {len(names) - _NAMED_IMAGES} more" if len(names) > _NAMED_IMAGES else ""
        images = "1 image" if len(names) == 1 else f"{len(names)} images"
        findings.append(f"{images} of split {split} {reason}: {named}{more}")
    return findings
