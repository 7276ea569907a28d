"""The component DataGate."""

import json

import apache_beam as beam
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.dsl.component.experimental.annotations import BeamComponentParameter, InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components import features
from components.bad_data import BadDataError
from components.data_gate import findings
from components.data_gate.bad_image import BadImage
from components.data_gate.images import find_bad_images
from components.data_gate.skew import describe_skew


@component(use_beam=True)
def DataGate(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    schema: InputArtifact[standard_artifacts.Schema],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    bad_images: OutputArtifact[standard_artifacts.ExampleAnomalies],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Stops the run when the data has anomalies, before anything is trained on it.

    Looked at are: what ExampleValidator found in each split, how far the balance of classes in valid and test stands
    from train, and whether every image decodes to 32x32x3.

    Args:
        examples: Splits train, valid and test.
        statistics: Of these splits.
        schema: What they are held against.
        anomalies: Of ExampleValidator.
        bad_images: Folder of JSON lines, one an image that cannot be trained on.
        code_digest: Of the sources that this step depends on.
        beam_pipeline: Given by TFX.

    Raises:
        BadDataError: If anything is amiss; the message lists it.
    """
    split_statistics = {split: _read_statistics(statistics, split) for split in features.SPLITS}
    schema_proto = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    found = []
    for split in features.SPLITS:
        found += findings.describe_anomalies(_read_anomalies(anomalies, split), split)
    found += describe_skew(split_statistics, schema_proto)
    found += findings.describe_bad_images(_check_images(examples, bad_images, beam_pipeline))
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
    examples: standard_artifacts.Examples, bad_images: standard_artifacts.ExampleAnomalies, beam_pipeline: beam.Pipeline
) -> list[BadImage]:
    folders = {split: artifact_utils.get_split_uri([examples], split) for split in features.SPLITS}
    files = [
        (split, f"{folder}/{name}") for split, folder in folders.items() for name in sorted(fileio.listdir(folder))
    ]
    with beam_pipeline as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(files)
            | "Spread" >> beam.Reshuffle()
            | "Decode" >> beam.FlatMapTuple(find_bad_images)
            | "ToJson" >> beam.Map(json.dumps)
            | "Write" >> beam.io.WriteToText(f"{bad_images.uri}/bad_images", file_name_suffix=".jsonl")
        )
    lines: list[str] = []
    for name in fileio.listdir(bad_images.uri):
        with fileio.open(f"{bad_images.uri}/{name}") as file:
            lines += file.read().splitlines()
    return [BadImage(*json.loads(line)) for line in lines]
