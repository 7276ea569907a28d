"""Images a second of the input pipeline alone against the training step, for the network of the profile quick."""

import dataclasses
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from types import SimpleNamespace

import apache_beam as beam
import keras
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from rich.console import Console
from rich.table import Table
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.public import tfxio

from benchmarks.dataset import find_dataset
from components.example_gen.component import list_shards
from components.example_gen.splits import copy_shard
from components.schema import SCHEMA_FILE
from components.trainer import read
from components.trainer.optimization import compile_model
from components.transform import preprocessing_fn
from models.vit import build_vit
from pipeline.config import QUICK

_ROUNDS = 5
_TRAINING_BATCHES = 30  # a round


def open_reader(records: tfxio.TFExampleRecord) -> SimpleNamespace:
    """Returns what `read_examples` needs of TFX's fn_args."""
    factory = SimpleNamespace(tf_dataset_factory=lambda _files, options, _schema: records.TensorFlowDataset(options))
    return SimpleNamespace(data_accessor=factory)


def prepare(folder: pathlib.Path) -> Callable[[], read.Examples]:
    """Makes the train split and its Transform graph; returns what reads the split as the Trainer would."""
    shard, tfds_split, images = list_shards(find_dataset())[0]
    copy_shard(shard, tfds_split, images, str(folder), QUICK.data.train_images)
    schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
    records = tfxio.TFExampleRecord(
        file_pattern=f"{folder}/Split-train/*", schema=schema, telemetry_descriptors=["benchmark"]
    )
    with (
        beam.Pipeline("FnApiRunner") as pipeline,
        tft_beam.Context(temp_dir=str(folder / "tmp"), use_deep_copy_optimization=True),
    ):
        raw = (pipeline | records.BeamSource(), records.TensorAdapterConfig())
        transform_fn = raw | tft_beam.AnalyzeDataset(preprocessing_fn)
        transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    transform = tft.TFTransformOutput(str(folder / "graph"))
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema), str(folder / "graph" / transform.RAW_METADATA_DIR)
    )
    return lambda: read.read_examples(open_reader(records), [f"{folder}/Split-train/*"], transform)


def measure_input(batches: tf.data.Dataset, count: int) -> float:
    """Returns images a second of one epoch without training."""
    begin = time.monotonic()
    batches.take(count).reduce(0, lambda count, _: count + 1).numpy()
    return count * QUICK.fit.batch_size / (time.monotonic() - begin)


def measure_training(model: keras.Model, batches: tf.data.Dataset) -> float:
    """Returns images a second of some training steps, fed by the same pipeline."""
    begin = time.monotonic()
    model.fit(batches.take(_TRAINING_BATCHES), epochs=1, verbose=0)
    return _TRAINING_BATCHES * QUICK.fit.batch_size / (time.monotonic() - begin)


def main() -> None:
    """Prints the table."""
    config = dataclasses.replace(
        QUICK.model.trunk(),
        token_reducer=QUICK.search.reducers[0],
        blocks_before_token_learner=min(QUICK.search.placements),
        num_tokens=min(QUICK.search.token_counts),  # the fastest point: the hardest to feed
    )
    with tempfile.TemporaryDirectory() as folder:
        read_split = prepare(pathlib.Path(folder))
        begin = time.monotonic()
        examples = read_split()
        first_pass = len(examples) / (time.monotonic() - begin)
        batches = read.training_batches(examples, QUICK.fit, seed=1, first_epoch=0)
        epoch = read.count_batches(examples, QUICK.fit)
        model = build_vit(config)
        compile_model(model, QUICK.fit, steps=1000)
        measure_training(model, batches)  # traces
        pairs = [(measure_input(batches, epoch), measure_training(model, batches)) for _ in range(_ROUNDS)]
    ratios = [fed / trained for fed, trained in pairs]
    table = Table(title=f"Input against training, median of {_ROUNDS} rounds", title_justify="left")
    for heading in ("what", "images/s"):
        table.add_column(heading)
    table.add_row("input, once (reads, decodes, normalises)", f"{first_pass:,.0f}")
    table.add_row("input, every epoch (from memory; shuffles, crops, flips)", f"{_median(pairs, 0):,.0f}")
    table.add_row("training", f"{_median(pairs, 1):,.0f}")
    table.add_row(
        "input / training, pair by pair", f"{statistics.median(ratios):.0f} ({min(ratios):.0f} to {max(ratios):.0f})"
    )
    Console().print(table)


def _median(pairs: list[tuple[float, float]], which: int) -> float:
    return statistics.median(pair[which] for pair in pairs)


if __name__ == "__main__":
    main()
