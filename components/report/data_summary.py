"""Images, class balance and anomalies of each split."""

import collections
import dataclasses
import pathlib

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components import features
from components.data_gate.findings import describe_anomalies

_BATCH_SIZE = 1000  # records


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """One split."""

    name: str
    images: int
    class_images: list[int]  # of each class that occurs in any split; empty without examples
    mean_bytes: float  # of an encoded image
    missing: int  # values
    anomalies: list[str] | None  # in words; None: not checked


def locate_split(artifact: pathlib.Path, split: str) -> pathlib.Path:
    """Returns the folder of a split; TFX's `artifact_utils` takes seconds to import."""
    return artifact / f"Split-{split}"


def summarize_data(
    statistics: pathlib.Path, anomalies: pathlib.Path | None, examples: pathlib.Path | None
) -> list[SplitSummary]:
    """Reads TFDV's statistics and anomalies, and counts the images of each class, which TFDV only estimates."""
    counts = {split: _count_classes(locate_split(examples, split)) for split in features.SPLITS} if examples else {}
    labels = sorted(set().union(*counts.values()))
    class_images = {split: [count[label] for label in labels] for split, count in counts.items()}
    return [_summarize_split(split, statistics, anomalies, class_images.get(split, [])) for split in features.SPLITS]


def _summarize_split(
    split: str, statistics: pathlib.Path, anomalies: pathlib.Path | None, class_images: list[int]
) -> SplitSummary:
    content = (locate_split(statistics, split) / "FeatureStats.pb").read_bytes()
    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
    stats = {feature.path.step[0]: getattr(feature, feature.WhichOneof("stats")) for feature in dataset.features}
    found = None
    if anomalies:
        content = (locate_split(anomalies, split) / "SchemaDiff.pb").read_bytes()
        found = describe_anomalies(anomalies_pb2.Anomalies.FromString(content), split)
    return SplitSummary(
        name=split,
        images=int(dataset.num_examples),
        class_images=class_images,
        mean_bytes=stats[features.IMAGE].avg_length,
        missing=sum(each.common_stats.num_missing for each in stats.values()),
        anomalies=found,
    )


def _count_classes(split: pathlib.Path) -> collections.Counter[int]:
    import tensorflow as tf  # takes seconds, and a page without examples needs none

    spec = {features.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    counts = collections.Counter[int]()
    for records in tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())]).batch(_BATCH_SIZE):
        labels = tf.io.parse_example(records, spec)[features.LABEL].numpy()
        counts.update(labels.tolist())
    return counts
