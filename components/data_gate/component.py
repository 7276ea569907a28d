"""The component DataGate."""

import dataclasses
import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.dsl.component.experimental.annotations import BeamComponentParameter, InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components import features
from components.artifacts.duplicates import (
    DUPLICATES_PREFIX,
    Duplicates,
    Member,
    decode_groups,
    describe_shared_ids,
    describe_shared_images,
    encode_group,
    is_several,
)
from components.data_gate.findings import (
    NOTICES,
    BadImage,
    describe_anomalies,
    describe_bad_images,
    list_small_classes,
)
from components.data_gate.images import CheckedImage, check_images
from components.data_gate.skew import describe_skew
from components.errors import BadDataError

_BAD_IMAGES, _SHARED_IDS, _CLASS_IMAGES = "bad_images", "shared_ids", "class_images"  # prefixes of files of JSON lines
_MEASURABLE = 10  # test images of a class; the 95% interval of an accuracy of 50% is 24% to 76% then


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Checked:
    """Findings in the images."""

    bad_images: list[BadImage]
    duplicates: Duplicates
    shared_ids: dict[str, list[str]]  # splits of the records of each id that several share
    class_images: dict[str, dict[int, int]]  # number of images by split and label


@component(use_beam=True)
def DataGate(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    schema: InputArtifact[standard_artifacts.Schema],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    bad_images: OutputArtifact[standard_artifacts.ExampleAnomalies],
    duplicates: OutputArtifact[standard_artifacts.ExampleAnomalies],
    image_size: Parameter[int],
    class_names: Parameter[str],
    max_duplicate_share: Parameter[float],
    duplicates_path: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Stops the run when the data has anomalies, before anything is trained on it.

    Checks what ExampleValidator found in each split, how far the balance of classes in valid and test differs from
    train, whether every image decodes, to the size of the dataset if it has one, whether every class has images in
    train, whether ids are unique, and which images have identical pixels. Classes with few test images are named, and,
    unless the schema limits it, another balance of classes is only a notice.

    Args:
        examples: Splits train, valid and test.
        statistics: Of these splits.
        schema: Of all splits.
        anomalies: Of ExampleValidator.
        bad_images: Folder of JSON lines, one for each image that cannot be trained on; its property `notices` is
            a JSON list of findings that stop no run.
        duplicates: Folder of JSON lines, one for each group of images with identical pixels; read by `read_duplicates`.
        image_size: Height and width that every image must have, pixels; 0: any.
        class_names: By label, as JSON.
        max_duplicate_share: Share of a split's images that may also occur in another split, 0..1.
        duplicates_path: File that lists all duplicates when they stop the run; a failed step keeps no outputs.
        code_digest: Of the sources that this step depends on.
        beam_pipeline: Given by TFX.

    Raises:
        BadDataError: If the data has anomalies; the message lists them.
    """
    split_statistics = {split: _read_statistics(statistics, split) for split in features.SPLITS}
    schema_proto = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    found = []
    for split in features.SPLITS:
        found += describe_anomalies(_read_anomalies(anomalies, split), split)
    is_curated = any(feature.HasField("skew_comparator") for feature in schema_proto.feature)
    notices: list[str] = []
    (found if is_curated else notices).extend(describe_skew(split_statistics, schema_proto))
    checked = _check_images(examples, image_size or None, bad_images.uri, duplicates.uri, beam_pipeline)
    found += describe_bad_images(checked.bad_images)
    in_train, in_test = (checked.class_images.get(split, {}) for split in (features.TRAIN_SPLIT, features.TEST_SPLIT))
    if missing := list_small_classes(in_train, json.loads(class_names), 1):
        found.append(f"split train has no image of {missing}")
    if few := list_small_classes(in_test, json.loads(class_names), _MEASURABLE):
        notices.append(f"classes with fewer than {_MEASURABLE} test images, too few to measure their accuracy: {few}")
    bad_images.set_string_custom_property(NOTICES, json.dumps(notices))
    for notice in notices:
        logging.getLogger("absl").info(notice, extra={"notice": f"Warning: {notice}"})  # a line on the screen
    split_images = {split: int(each.datasets[0].num_examples) for split, each in split_statistics.items()}
    doubled = describe_shared_ids(checked.shared_ids)
    doubled += describe_shared_images(checked.duplicates, split_images, max_duplicate_share)
    if doubled:
        found += [*doubled, _list_all(checked, duplicates_path)]
    elif fileio.exists(duplicates_path):  # of an earlier run, whose data was fixed since
        fileio.remove(duplicates_path)
    if found:
        raise BadDataError("; ".join(found))


def _read_statistics(
    artifact: standard_artifacts.ExampleStatistics, split: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    return tfdv.load_stats_binary(f"{artifact_utils.get_split_uri([artifact], split)}/FeatureStats.pb")


def _read_anomalies(artifact: standard_artifacts.ExampleAnomalies, split: str) -> anomalies_pb2.Anomalies:
    with fileio.open(f"{artifact_utils.get_split_uri([artifact], split)}/SchemaDiff.pb", "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())


def _check_images(
    examples: standard_artifacts.Examples,
    size: int | None,
    bad_images: str,
    duplicates: str,
    beam_pipeline: beam.Pipeline,
) -> _Checked:
    """Reads every image once and writes what is wrong; only ids and digests are shuffled, never the images."""
    folders = {split: artifact_utils.get_split_uri([examples], split) for split in features.SPLITS}
    files = [
        (split, f"{folder}/{name}") for split, folder in folders.items() for name in sorted(fileio.listdir(folder))
    ]
    with beam_pipeline as pipeline:
        images = (
            pipeline
            | "Files" >> beam.Create(files)
            | "Spread" >> beam.Reshuffle()
            | "Decode" >> beam.FlatMapTuple(functools.partial(check_images, size=size))
        )
        bad = images | "Bad" >> beam.Filter(lambda image: image.reason)
        good = images | "Good" >> beam.Filter(lambda image: image.pixels)
        groups = _find_repeated(good, "Pixels", lambda image: (image.pixels, Member(image.split, image.example_id)))
        named = images | "Named" >> beam.Filter(lambda image: image.has_id)
        labels = images | "Labels" >> beam.Map(lambda image: (image.split, image.label))
        class_images = labels | "CountLabels" >> beam.combiners.Count.PerElement()
        ids = _find_repeated(named, "Id", lambda image: (image.example_id, image.split))
        _write(
            bad,
            "Bad",
            bad_images,
            _BAD_IMAGES,
            lambda image: json.dumps(BadImage(image.split, image.example_id, image.reason)),
        )
        _write(groups, "Identical", duplicates, DUPLICATES_PREFIX, lambda group: encode_group(group[1]))
        _write(ids, "Shared", duplicates, _SHARED_IDS, lambda group: json.dumps((group[0], sorted(group[1]))))
        _write(class_images, "Classes", duplicates, _CLASS_IMAGES, lambda found: json.dumps((*found[0], found[1])))
    counts: dict[str, dict[int, int]] = {}
    for split, label, count in map(json.loads, _read(duplicates, _CLASS_IMAGES)):
        counts.setdefault(split, {})[label] = count
    return _Checked(
        bad_images=[BadImage(*json.loads(line)) for line in _read(bad_images, _BAD_IMAGES)],
        duplicates=decode_groups(_read(duplicates, DUPLICATES_PREFIX)),
        shared_ids=dict(json.loads(line) for line in _read(duplicates, _SHARED_IDS)),
        class_images=counts,
    )


def _find_repeated(
    images: beam.PCollection, name: str, pair: Callable[[CheckedImage], tuple[Any, Any]]
) -> beam.PCollection:
    """Returns the keys that several images have, each with the values of these images."""
    return (
        images
        | f"By{name}" >> beam.Map(pair)
        | f"GroupBy{name}" >> beam.GroupByKey()
        | f"Repeated{name}" >> beam.Filter(lambda group: is_several(group[1]))
    )


def _write(found: beam.PCollection, name: str, folder: str, prefix: str, encode: Callable[[Any], str]) -> None:
    lines = found | f"{name}ToJson" >> beam.Map(encode)
    lines | f"Write{name}" >> beam.io.WriteToText(f"{folder}/{prefix}", file_name_suffix=".jsonl")


def _read(folder: str, prefix: str) -> list[str]:
    lines: list[str] = []
    for name in sorted(fileio.listdir(folder)):
        if name.startswith(prefix):
            with fileio.open(f"{folder}/{name}") as file:
                lines += file.read().splitlines()
    return lines


def _list_all(checked: _Checked, path: str) -> str:
    """Writes all duplicates to a file that stays when TFX removes the failed step's outputs."""
    found = {"identical_images": checked.duplicates.groups, "shared_ids": checked.shared_ids}
    with fileio.open(path, "w") as file:
        file.write(json.dumps(found, indent=1))
    return f"all of them are listed in {path}"
