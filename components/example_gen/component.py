"""The component ImageExampleGen."""

import functools
import hashlib
import pathlib
from collections.abc import Iterable, Iterator

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.component.experimental.annotations import BeamComponentParameter, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.errors import BadDataError
from components.example_gen.records import Shard, digest_pixels, list_shards, read_records
from components.example_gen.splits import AsIs, ByPixels, ByPosition, Cut, SplitRule, copy_shard, cut_class
from components.image_dataset import CIFAR10, ImageDataset, read_dataset


def digest_source(tfds_dir: pathlib.Path) -> str:
    """Returns the SHA-256 of a prepared TFDS dataset's records, for the cache.

    Args:
        tfds_dir: Its version folder.

    Raises:
        BadDataError: As `read_dataset` and `list_shards`.
    """
    read_dataset(tfds_dir)
    digest = hashlib.sha256()
    for shard in list_shards(tfds_dir):
        digest.update(f"{shard.tfds_split}/{pathlib.PurePath(shard.path).name}\n".encode())
        with open(shard.path, "rb") as file:  # noqa: PTH123 (TFDS names files by str)
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


@component(use_beam=True)
def ImageExampleGen(  # noqa: N802 (TFX names components like classes)
    examples: OutputArtifact[standard_artifacts.Examples],
    tfds_dir: Parameter[str],
    train_images: Parameter[int],
    valid_share: Parameter[float],
    test_share: Parameter[float],
    source_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Copies a prepared TFDS dataset into the splits train, valid and test.

    Splits that the dataset lacks are cut from the training images of each class, see `ByPixels`; but CIFAR-10's valid
    are its last training images. Each TFDS file is read and written as a stream, so memory stays flat, and any Beam
    runner can distribute the files.

    Args:
        examples: Serialized tf.Examples with the features id, image (encoded bytes) and label.
        tfds_dir: Version folder of the TFDS dataset.
        train_images: CIFAR-10's first training images, in the authors' order, that become train; the others are valid.
        valid_share: Of a class's training images that become valid if the dataset has no such split, 0..1.
        test_share: Of a class's training images that become test if the dataset has no such split, 0..1.
        source_digest: Of `digest_source`.
        code_digest: Of the sources that this step depends on.
        beam_pipeline: Given by TFX.

    Raises:
        BadDataError: If the dataset is not complete, or leaves a split without images.
    """
    dataset, shards = read_dataset(tfds_dir), list_shards(tfds_dir)
    examples.split_names = artifact_utils.encode_split_names(list(features.SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    lacks = set(features.SPLITS) - {shard.split for shard in shards}
    with beam_pipeline as pipeline:
        if dataset.name == CIFAR10.name and lacks == {features.VALID_SPLIT}:
            rule: SplitRule | beam.pvalue.AsSingleton = ByPosition(train_images)
        elif lacks:
            shares = {features.VALID_SPLIT: valid_share, features.TEST_SPLIT: test_share}
            of_train = [shard for shard in shards if shard.split == features.TRAIN_SPLIT]
            rule = _cut(pipeline, dataset, of_train, {split: shares[split] * (split in lacks) for split in shares})
        else:
            rule = AsIs()
        (
            pipeline
            | "Files" >> beam.Create(shards)
            | "Spread" >> beam.Reshuffle()
            | "Copy" >> beam.Map(copy_shard, dataset, rule, examples.uri)
        )
    empty_splits = [split for split in features.SPLITS if not fileio.exists(f"{examples.uri}/Split-{split}")]
    if empty_splits:
        raise BadDataError(f"{tfds_dir} has no image for split {empty_splits[0]}")


def _cut(
    pipeline: beam.Pipeline, dataset: ImageDataset, of_train: list[Shard], shares: dict[str, float]
) -> beam.pvalue.AsSingleton:
    """Returns the rule that divides the training images, as a side input; no image is shuffled."""
    labeled = (
        pipeline
        | "TrainFiles" >> beam.Create(of_train)
        | "SpreadTrain" >> beam.Reshuffle()
        | "Digest" >> beam.FlatMap(_digest_shard, dataset)
    )
    cut = functools.partial(
        _cut_class, test_share=shares[features.TEST_SPLIT], valid_share=shares[features.VALID_SPLIT]
    )
    cuts = labeled | "ByLabel" >> beam.GroupByKey() | "CutClass" >> beam.MapTuple(cut)
    shared = (
        labeled
        | "ByDigest" >> beam.MapTuple(lambda label, digest: (digest, label))
        | "Labels" >> beam.GroupByKey()
        | "FirstLabel" >> beam.FlatMapTuple(_find_first_label)
    )
    return beam.pvalue.AsSingleton(
        pipeline
        | "One" >> beam.Create([None])
        | "Rule" >> beam.Map(_make_rule, beam.pvalue.AsDict(cuts), beam.pvalue.AsDict(shared))
    )


def _digest_shard(shard: Shard, dataset: ImageDataset) -> Iterator[tuple[int, bytes]]:
    return ((record.label, digest_pixels(record.image)) for record in read_records(dataset, shard))


def _cut_class(label: int, digests: Iterable[bytes], test_share: float, valid_share: float) -> tuple[int, Cut]:
    return label, cut_class(digests, test_share, valid_share)


def _find_first_label(digest: bytes, labels: Iterable[int]) -> Iterator[tuple[bytes, int]]:
    distinct = set(labels)
    if len(distinct) > 1:
        yield digest, min(distinct)


def _make_rule(_: None, cuts: dict[int, Cut], first_labels: dict[bytes, int]) -> ByPixels:
    return ByPixels(cuts, first_labels)
