"""Real images, a real Transform graph of them, and a real model, made once.

Axes: batch, height, width, channels.
"""

import dataclasses
import functools
import io
import pathlib
import pickle
from typing import Any

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from shared_folder import share_folder
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import metadata_io
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx.utils import path_utils

from components import features
from components.image_dataset import CIFAR10
from components.serving_validator.expectation import load_network
from components.trainer.export import NETWORK_FILE, export_model
from components.transform import preprocessing_fn
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import QUICK

_TFDS_DIR = pathlib.Path(__file__).parents[2] / "data" / "cifar10_sample"
_SCHEMA_FILE = pathlib.Path(features.__file__).with_name("schema.pbtxt")
_IMAGES = 60
_ROWS_FILE = "rows.pickle"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """Images of CIFAR-10, as they are stored and as what they mean."""

    records: list[bytes]  # serialized tf.Examples
    rows: list[dict[str, Any]]  # id, image (encoded), label
    pixels: np.ndarray  # uint8 [batch, height, width, channels]

    @property
    def labels(self) -> np.ndarray:
        """The classes, [batch]."""
        return np.array([row[features.LABEL] for row in self.rows])

    @property
    def normalized(self) -> np.ndarray:
        """The pixels with zero mean and unit variance per channel, float64."""
        scaled = self.pixels / 255
        return (scaled - scaled.mean(axis=(0, 1, 2))) / scaled.std(axis=(0, 1, 2))


def _parse(record: bytes) -> dict[str, Any]:
    values = tf.train.Example.FromString(record).features.feature
    return {
        features.ID: values[features.ID].bytes_list.value[0],
        features.IMAGE: values[features.IMAGE].bytes_list.value[0],
        features.LABEL: values[features.LABEL].int64_list.value[0],
    }


@pytest.fixture(scope="session")
def sample() -> Sample:
    """The first images of the shipped sample, decoded by Pillow."""
    (file,) = _TFDS_DIR.glob("cifar10-train.tfrecord-*")
    records = list(tf.data.TFRecordDataset(str(file)).take(_IMAGES).as_numpy_iterator())
    rows = [_parse(record) for record in records]
    pixels = np.stack([np.array(PIL.Image.open(io.BytesIO(row[features.IMAGE]))) for row in rows])
    return Sample(records=records, rows=rows, pixels=pixels)


@pytest.fixture(scope="session")
def analyzed(
    sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], tft.TFTransformOutput]:
    """The images as Beam transforms them, and the Transform graph, both of the whole sample as the train split."""
    folder = share_folder(tmp_path_factory, "transform", lambda folder: _analyze(sample, folder, tmp_path_factory))
    return pickle.loads((folder / _ROWS_FILE).read_bytes()), tft.TFTransformOutput(str(folder))


@pytest.fixture(scope="session")
def transform(analyzed: tuple[list[dict[str, Any]], tft.TFTransformOutput]) -> tft.TFTransformOutput:
    return analyzed[1]


_EXPORTED = ViTConfig(
    image_size=32,
    patch_size=8,
    dim=8,
    depth=2,
    num_heads=2,
    mlp_dims=(8,),
    dropout_rate=0.5,
    num_classes=len(CIFAR10.class_names),
    token_reducer="token_learner",
    blocks_before_token_learner=1,
    num_tokens=4,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exported:
    """A network whose probabilities are far from uniform, as the Trainer exports it."""

    config: ViTConfig
    network_file: pathlib.Path
    saved_model: pathlib.Path  # where it lies in an artifact, which is the folder above

    def load_network(self) -> keras.Model:
        """Loads the network by itself."""
        return load_network(self.network_file)


@pytest.fixture(scope="session")
def exported_model(transform: tft.TFTransformOutput, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    def export(folder: pathlib.Path) -> None:
        keras.utils.set_random_seed(1)
        network = build_vit(_EXPORTED)
        export_model(transform, network, QUICK.task, path_utils.serving_model_dir(str(folder)))
        network.save(folder / NETWORK_FILE)

    folder = share_folder(tmp_path_factory, "exported", export)
    return Exported(
        config=_EXPORTED,
        network_file=folder / NETWORK_FILE,
        saved_model=pathlib.Path(path_utils.serving_model_dir(str(folder))),
    )


def _analyze(sample: Sample, folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    metadata = DatasetMetadata(text_format.Parse(_SCHEMA_FILE.read_text(), schema_pb2.Schema()))
    with tft_beam.Context(temp_dir=str(tmp_path_factory.mktemp("beam"))):
        preprocess = functools.partial(preprocessing_fn, custom_config={"image_size": 32})
        (rows, _), transform_fn = (sample.rows, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        transform_fn | tft_beam.WriteTransformFn(str(folder))
    metadata_io.write_metadata(metadata, f"{folder}/{tft.TFTransformOutput.RAW_METADATA_DIR}")
    (folder / _ROWS_FILE).write_bytes(pickle.dumps(rows))
