"""The splits of a dataset and their Transform graph, made as the steps before the Trainer make them, without a run."""

import atexit
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

from benchmarks.dataset import require_dataset
from components import features
from components.example_gen.component import list_shards
from components.example_gen.splits import copy_shard
from components.schema import SCHEMA_FILE
from components.trainer.data.examples import Examples, read_examples
from components.transform import preprocessing_fn
from pipeline.config import FULL


class Splits:
    """Splits train, valid and test of a TFDS dataset, and the Transform graph of train.

    Args:
        tfds_dir: Version folder of the dataset.
        folder: To write into; empty.

    Attributes:
        graph_dir: Folder of the Transform graph.
        transform: The graph.
    """

    def __init__(self, tfds_dir: pathlib.Path, folder: pathlib.Path) -> None:
        self._folder = folder
        self._schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
        for shard, tfds_split, images in list_shards(require_dataset(tfds_dir)):
            copy_shard(shard, tfds_split, images, str(folder), FULL.data.train_images)
        self.graph_dir = folder / "graph"
        self.transform = self._analyze()

    def read(self, split: str) -> Examples:
        """Reads a split as the Trainer does; its file of pixels goes with the process."""
        return read_examples([self.locate(split)], self.transform)

    def locate(self, split: str) -> str:
        """Returns the pattern of a split's TFRecord files."""
        return f"{self._folder}/Split-{split}/*"

    def _analyze(self) -> tft.TFTransformOutput:
        graph = str(self.graph_dir)
        records = tfxio.TFExampleRecord(
            self.locate(features.TRAIN_SPLIT), schema=self._schema, telemetry_descriptors=["benchmark"]
        )
        with (
            beam.Pipeline("FnApiRunner") as pipeline,
            tft_beam.Context(temp_dir=str(self._folder / "beam"), use_deep_copy_optimization=True),
        ):
            raw = (pipeline | records.BeamSource(), records.TensorAdapterConfig())
            transform_fn = raw | tft_beam.AnalyzeDataset(preprocessing_fn)
            transform_fn | tft_beam.WriteTransformFn(graph)
        raw_metadata = f"{graph}/{tft.TFTransformOutput.RAW_METADATA_DIR}"
        metadata_io.write_metadata(dataset_metadata.DatasetMetadata(self._schema), raw_metadata)
        return tft.TFTransformOutput(graph)


@functools.cache
def open_splits(tfds_dir: pathlib.Path) -> Splits:
    """Makes the splits of a dataset once in a process; they are removed when it ends.

    Args:
        tfds_dir: Version folder of the TFDS dataset.
    """
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Splits(tfds_dir, pathlib.Path(folder.name))
