"""What a small run leaves, made by hand: three points, 200 real test images, a model with attention maps."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from recorded_root import make_findings
from run_folder import TOKENS, write_duplicates, write_model_run, write_verdict_folder
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components import features, signatures
from components.artifacts.predictions import Predictions
from components.artifacts.serving_findings import write_findings
from components.report.environment import Environment
from components.report.provenance import ArtifactRecord, Provenance, StepRecord
from components.report.sources import Sources


def _write_statistics(folder: pathlib.Path) -> pathlib.Path:
    for split in features.SPLITS:
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = statistics.datasets.add(num_examples=200)
        label = dataset.features.add()
        label.path.step.append("label")
        histogram = label.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
        for n in range(10):
            histogram.buckets.add(low_value=0.9 * n, high_value=0.9 * (n + 1), sample_count=20 + (n == 3))
        image = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        image.path.step.append("image")
        image.string_stats.avg_length = 2250
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return folder


def _write_anomalies(folder: pathlib.Path) -> pathlib.Path:
    for split in features.SPLITS:
        anomalies = anomalies_pb2.Anomalies()
        if split == "valid":
            anomalies.anomaly_info["label"].reason.add(description="Unexpectedly large value: 12")
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    return folder


class _Model(tf.Module):
    """Weighs, for the n-th token, the n-th column of patches."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def weigh(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        maps = tf.one_hot(tf.range(TOKENS), 8)[tf.newaxis, :, tf.newaxis, :]  # [1, tokens, 1, width]
        return {signatures.MAPS: tf.tile(maps, (tf.shape(examples)[0], 1, 8, 1))}


def _make_provenance() -> Provenance:
    steps = (
        StepRecord(name="ExampleGen", state="cached", seconds=1.5, run_id="run-0", peak_bytes=None),
        StepRecord(name="Trainer", state="complete", seconds=80.25, run_id="run-1", peak_bytes=1_500 * 2**20),
    )
    artifacts = (
        ArtifactRecord(
            id=1, kind="Examples", step="ExampleGen", run_id="run-0", made="2026-01-01", folder="E/1", sources=()
        ),
        ArtifactRecord(
            id=2, kind="Model", step="Trainer", run_id="run-1", made="2026-01-02", folder="T/2", sources=(1,)
        ),
    )
    return Provenance(run_id="run-1", began="2026-01-02", steps=steps, artifacts=artifacts, data_folder="/data/cifar10")


@pytest.fixture(scope="session")
def predictions(slice_dir: pathlib.Path) -> Predictions:
    """Answers of two models that were never trained, a little better than chance, for the slice's test images."""
    [file] = slice_dir.glob("cifar10-test.tfrecord-*")
    spec = {"id": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    [parsed] = tf.data.TFRecordDataset(str(file)).batch(1000).map(lambda records: tf.io.parse_example(records, spec))
    labels = parsed["label"].numpy()
    random = np.random.default_rng(1)

    def answer() -> np.ndarray:
        logits = random.normal(size=(len(labels), 10)) + 1.5 * np.eye(10)[labels]
        return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)

    return Predictions(
        ids=parsed["id"].numpy().astype(str),
        labels=labels,
        brightness_quartile=random.integers(4, size=len(labels)),
        contrast_quartile=random.integers(4, size=len(labels)),
        candidate=answer(),
        baseline=answer(),
    )


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory, slice_dir: pathlib.Path, predictions: Predictions) -> Sources:
    """Everything that a report can be made from."""
    folder = tmp_path_factory.mktemp("run")
    test_split = folder / "examples" / "Split-test"
    test_split.mkdir(parents=True)
    [file] = slice_dir.glob("cifar10-test.tfrecord-*")
    (test_split / file.name).write_bytes(file.read_bytes())
    model = _Model()
    tf.saved_model.save(model, str(folder / "model"), signatures={signatures.ATTENTION_MAPS: model.weigh})
    (folder / "serving").mkdir()
    write_findings(make_findings(serves=True), folder / "serving")
    (folder / "bad_images").mkdir()
    (folder / "bad_images" / "bad_images.jsonl").write_text("")
    return Sources(
        model_run=write_model_run(folder / "model_run"),
        model=folder / "model",
        verdict=write_verdict_folder(folder / "verdict", predictions),
        serving=folder / "serving",
        examples=folder / "examples",
        statistics=_write_statistics(folder / "statistics"),
        anomalies=_write_anomalies(folder / "anomalies"),
        bad_images=folder / "bad_images",
        duplicates=write_duplicates(folder / "duplicates"),
        pushed_version="1700000000",
        provenance=_make_provenance(),
        environment=Environment(
            command="tokenlearner run", python="3.10.1", system="Linux", packages={"tfx": "1.16.0"}
        ),
    )


@pytest.fixture(scope="session")
def without_baseline(sources: Sources, predictions: Predictions, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A first run that is not blessed."""
    alone = dataclasses.replace(predictions, baseline=None)
    folder = write_verdict_folder(tmp_path_factory.mktemp("alone") / "verdict", alone, min_accuracy=0.99)
    return dataclasses.replace(sources, verdict=folder, pushed_version=None)
