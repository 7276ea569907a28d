"""The data in short: images, balance of classes and anomalies of each split."""

import dataclasses
import pathlib

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components import features
from components.report.class_counts import count_classes


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """One split."""

    name: str
    images: int
    class_images: tuple[int, ...]  # by label; exact where the examples are there, else as TFDV's histogram has them
    mean_bytes: float  # of an encoded image; 0.0: not known
    missing: int  # features that examples lack
    anomalies: tuple[str, ...] | None  # in words; None: not checked


def summarize_data(
    statistics: pathlib.Path, anomalies: pathlib.Path | None, examples: pathlib.Path | None
) -> tuple[SplitSummary, ...]:
    """Reads what TFDV wrote, and counts the images of each class.

    Args:
        statistics: Folder of an ExampleStatistics artifact.
        anomalies: Folder of an ExampleAnomalies artifact.
        examples: Folder of an Examples artifact; None: TFDV's histograms, which only estimate, stand in.

    Returns:
        The splits, in their order.
    """
    return tuple(
        _summarize_split(split, statistics / f"Split-{split}" / "FeatureStats.pb", anomalies, examples)
        for split in features.SPLITS
        if (statistics / f"Split-{split}" / "FeatureStats.pb").is_file()
    )


def _summarize_split(
    split: str, file: pathlib.Path, anomalies: pathlib.Path | None, examples: pathlib.Path | None
) -> SplitSummary:
    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets
    by_name = {feature.path.step[0] if feature.path.step else feature.name: feature for feature in dataset.features}
    label, image = by_name.get(features.LABEL), by_name.get(features.IMAGE)
    folder = examples / f"Split-{split}" if examples else None
    estimated = _estimate_classes(label) if label else ()
    return SplitSummary(
        name=split,
        images=int(dataset.num_examples),
        class_images=count_classes(folder) if folder and folder.is_dir() else estimated,
        mean_bytes=image.bytes_stats.avg_num_bytes or image.string_stats.avg_length if image else 0.0,
        missing=int(sum(_common_stats(feature).num_missing for feature in dataset.features)),
        anomalies=None if anomalies is None else _read_anomalies(anomalies / f"Split-{split}" / "SchemaDiff.pb"),
    )


def _common_stats(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    return getattr(feature, feature.WhichOneof("stats")).common_stats


def _estimate_classes(label: statistics_pb2.FeatureNameStatistics) -> tuple[int, ...]:
    """Returns the images of each label, whether the schema calls it a category or a number."""
    counts = [0] * features.NUM_CLASSES
    if label.WhichOneof("stats") == "string_stats":
        for bucket in label.string_stats.rank_histogram.buckets:
            if bucket.label.isdecimal() and int(bucket.label) < features.NUM_CLASSES:
                counts[int(bucket.label)] = round(bucket.sample_count)
        return tuple(counts)
    histogram = next(h for h in label.num_stats.histograms if h.type == statistics_pb2.Histogram.STANDARD)
    for bucket in histogram.buckets:
        number = min(int((bucket.low_value + bucket.high_value) / 2 + 0.5), features.NUM_CLASSES - 1)
        counts[number] += round(bucket.sample_count)
    return tuple(counts)


def _read_anomalies(file: pathlib.Path) -> tuple[str, ...] | None:
    if not file.is_file():
        return None
    anomalies = anomalies_pb2.Anomalies.FromString(file.read_bytes())
    found = [
        f"{name}: {reason.description}"
        for name, info in sorted(anomalies.anomaly_info.items())
        for reason in info.reason
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(anomalies.dataset_anomaly_info.description)
    return tuple(found)
