"""Puts anomalies into words."""

import collections
from collections.abc import Iterable

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_gate.bad_image import BadImage

_NAMED_IMAGES = 10  # ids spelled out for each kind of bad image
_PLAINER = {  # than TFDV's own words
    anomalies_pb2.AnomalyInfo.INVALID_FEATURE_SHAPE: "not every example has exactly one value",
    anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN: "the schema does not know this feature",
}


def describe_anomalies(anomalies: anomalies_pb2.Anomalies, split: str) -> list[str]:
    """Says in words what TFDV found in one split.

    Args:
        anomalies: Of `tfdv.validate_statistics` or ExampleValidator.
        split: Its name.

    Returns:
        One clause a reason, ordered by feature; empty if there is none.
    """
    findings = [
        f"feature {name!r} in split {split}: {_PLAINER.get(reason.type, reason.description.rstrip('.'))}"
        for name, info in sorted(anomalies.anomaly_info.items())
        for reason in info.reason
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        findings.append(f"split {split}: {anomalies.dataset_anomaly_info.description.rstrip('.')}")
    return findings


def describe_bad_images(bad_images: Iterable[BadImage]) -> list[str]:
    """Says in words which images cannot be trained on.

    Args:
        bad_images: In any order.

    Returns:
        One clause a split and reason, with the count and the first ids.
    """
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
