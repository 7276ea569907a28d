"""The component Cifar10ExampleGen."""

import functools
import hashlib
import pathlib

import apache_beam as beam
import tensorflow_datasets as tfds
from tfx.components.util import examples_utils
from tfx.dsl.component.experimental.annotations import BeamComponentParameter, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.errors import BadDataError
from components.example_gen import splits

_TFDS_SPLITS = ("train", "test")


def list_shards(tfds_dir: pathlib.Path | str) -> list[tuple[str, str, int]]:
    """Lists the files of a prepared TFDS dataset.

    Args:
        tfds_dir: Its version folder, the one that holds `dataset_info.json`; may be in a bucket.

    Returns:
        (file, TFDS split, number of images), in the order of the dataset.

    Raises:
        BadDataError: If the folder holds no whole TFDS dataset with splits train and test.
    """
    if not fileio.exists(f"{tfds_dir}/dataset_info.json"):
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset (no dataset_info.json)")
    try:
        split_infos = tfds.builder_from_directory(str(tfds_dir)).info.splits
    except Exception as error:  # TFDS raises a dozen kinds
        raise BadDataError(f"{tfds_dir} holds no TFDS dataset that can be read: {error}") from error
    missing_splits = set(_TFDS_SPLITS) - set(split_infos)
    if missing_splits:
        raise BadDataError(f"the TFDS dataset in {tfds_dir} has no split {' and no split '.join(missing_splits)}")
    shards = [
        (str(path), split, images)
        for split in _TFDS_SPLITS
        for path, images in zip(split_infos[split].filepaths, split_infos[split].shard_lengths, strict=True)
    ]
    missing_files = [path for path, *_ in shards if not fileio.exists(path)]
    if missing_files:
        raise BadDataError(f"the TFDS dataset in {tfds_dir} lacks its file {missing_files[0]}")
    return shards


def digest_source(tfds_dir: pathlib.Path) -> str:
    """Returns the SHA-256 of a prepared TFDS dataset's records, for the cache.

    Args:
        tfds_dir: Its version folder.

    Raises:
        BadDataError: As `list_shards`.
    """
    digest = hashlib.sha256()
    for path, split, _ in list_shards(tfds_dir):
        digest.update(f"{split}/{pathlib.PurePath(path).name}\n".encode())
        with open(path, "rb") as file:  # noqa: PTH123 (TFDS names files by str)
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


@component(use_beam=True)
def Cifar10ExampleGen(  # noqa: N802 (TFX names components like classes)
    examples: OutputArtifact[standard_artifacts.Examples],
    tfds_dir: Parameter[str],
    train_images: Parameter[int],
    source_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Copies a prepared TFDS dataset `cifar10` into the splits train, valid and test.

    Each TFDS file is read and written as a stream, so memory stays flat, and any Beam runner can distribute the files.

    Args:
        examples: Serialized tf.Examples with the TFDS features id, image (encoded bytes) and label.
        tfds_dir: Version folder of the TFDS dataset.
        train_images: How many of the first training images, in the authors' order, become train; the others are valid.
        source_digest: Of `digest_source`.
        code_digest: Of the sources that this step depends on.
        beam_pipeline: Given by TFX.

    Raises:
        BadDataError: If the dataset is not whole, or leaves a split without images.
    """
    examples.split_names = artifact_utils.encode_split_names(list(features.SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    copy_shard = functools.partial(splits.copy_shard, output=examples.uri, train_images=train_images)
    with beam_pipeline as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(list_shards(tfds_dir))
            | "Spread" >> beam.Reshuffle()
            | "Copy" >> beam.MapTuple(copy_shard)
        )
    empty_splits = [split for split in features.SPLITS if not fileio.exists(f"{examples.uri}/Split-{split}")]
    if empty_splits:
        raise BadDataError(f"{tfds_dir} has no image for split {empty_splits[0]} (train_images is {train_images})")
