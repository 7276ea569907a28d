"""The splits of a dataset and their Transform graph, made like those of a run but without one."""

import atexit
import dataclasses
import functools
import pathlib
import tempfile

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.public import tfxio

from components import features
from components.errors import DataFailure
from components.example_gen.records import list_shards
from components.example_gen.splits import ByPosition, copy_shard
from components.image_dataset import read_dataset
from components.schema import SCHEMA_FILE
from components.transform import preprocessing_fn
from pipeline.config import FULL, QUICK

SAMPLE = QUICK.data.tfds_dir
ALL_IMAGES = FULL.data.tfds_dir


@dataclasses.dataclass(frozen=True)
class Splits:
    """TFRecords in `folder/Split-<name>/`, and the Transform graph of the train split."""

    folder: pathlib.Path
    transform: tft.TFTransformOutput

    def locate(self, split: str) -> str:
        """Returns the pattern of a split's files."""
        return f"{self.folder}/Split-{split}/*"


@functools.cache
def open_splits(tfds_dir: pathlib.Path) -> Splits:
    """Makes the splits once in a process, which removes them when it ends.

    Args:
        tfds_dir: Version folder of the TFDS dataset.

    Raises:
        DataFailure: If it holds no TFDS dataset.
    """
    if not (tfds_dir / "dataset_info.json").is_file():
        raise DataFailure(f"{tfds_dir} holds no TFDS dataset; make it with `tokenlearner data prepare`.")
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    folder, graph = temporary.name, f"{temporary.name}/graph"
    dataset = read_dataset(tfds_dir)
    for shard in list_shards(tfds_dir):
        copy_shard(shard, dataset, ByPosition(FULL.data.train_images), folder)
    schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
    records = tfxio.TFExampleRecord(
        f"{folder}/Split-{features.TRAIN_SPLIT}/*", schema=schema, telemetry_descriptors=["benchmark"]
    )
    with beam.Pipeline("FnApiRunner") as pipeline, tft_beam.Context(temp_dir=f"{folder}/beam"):
        raw = (pipeline | records.BeamSource(), records.TensorAdapterConfig())
        preprocess = functools.partial(preprocessing_fn, custom_config={"image_size": FULL.task.image_size})
        raw | tft_beam.AnalyzeDataset(preprocess) | tft_beam.WriteTransformFn(graph)
    metadata = dataset_metadata.DatasetMetadata(schema)
    metadata_io.write_metadata(metadata, f"{graph}/{tft.TFTransformOutput.RAW_METADATA_DIR}")
    return Splits(pathlib.Path(folder), tft.TFTransformOutput(graph))
