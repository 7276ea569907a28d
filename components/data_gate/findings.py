"""Describes anomalies and bad images in words, without TensorFlow."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tensorflow_metadata.proto.v0 import anomalies_pb2

NOTICES = "notices"  # property of the DataGate's output bad_images: findings that stop no run, a JSON list

_NAMED = 10  # ids listed for each kind of bad image, and classes
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
        named = ", ".join(sorted(names)[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        images = "1 image" if len(names) == 1 else f"{len(names)} images"
        findings.append(f"{images} of split {split} {reason}: {named}{more}")
    return findings


def list_small_classes(images: Mapping[int, int], class_names: Sequence[str], at_least: int) -> str:
    """Names the classes with too few images, the smallest first: "dog (0), cat (3)"; "" if there are none.

    Args:
        images: Of a split, by label.
        class_names: By label.
        at_least: Images that a class must have.
    """
    found = sorted((images.get(label, 0), name) for label, name in enumerate(class_names))
    few = [f"{name} ({count})" for count, name in found if count < at_least]
    more = f" and {len(few) - _NAMED:,} more" if len(few) > _NAMED else ""
    return ", ".join(few[:_NAMED]) + more
