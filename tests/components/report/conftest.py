"""The outputs of a small run, made by hand: three points, 200 real test images, a model with attention maps."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from recorded_root import make_findings
from run_folder import (
    IMAGES,
    TOKENS,
    write_duplicates,
    write_examples,
    write_model_run,
    write_statistics,
    write_verdict_folder,
)
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components import signatures
from components.artifacts.lineage import ArtifactRecord
from components.artifacts.predictions import Predictions
from components.artifacts.search_outcome import Difference, Finalist, read_search, write_search
from components.artifacts.serving_findings import write_findings
from components.report.environment import Environment
from components.report.provenance import Provenance, StepRecord
from components.report.sources import Sources
from pipeline.config import QUICK


def _write_anomalies(folder: pathlib.Path) -> pathlib.Path:
    for split in IMAGES:
        anomalies = anomalies_pb2.Anomalies()
        if split == "valid":
            anomalies.anomaly_info["label"].reason.add(description="Unexpectedly large value: 12")
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    return folder


class _Model(tf.Module):
    """The n-th token weighs the n-th column of patches."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def weigh(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        maps = tf.one_hot(tf.range(TOKENS), 8)[tf.newaxis, :, tf.newaxis, :]  # [1, tokens, 1, width]
        return {signatures.MAPS: tf.tile(maps, (tf.shape(examples)[0], 1, 8, 1))}


def _make_provenance() -> Provenance:
    data = ArtifactRecord(
        id=1, kind="Examples", step="ExampleGen", run_id="run-0", made="2026-01-01", folder="E/1", sources=()
    )
    step = StepRecord(
        name="ExampleGen",
        state="cached",
        seconds=1.5,
        run_id="run-0",
        parameters={"tfds_dir": "/data/cifar10"},
    )
    custom_config = json.dumps({"trainer": dataclasses.asdict(QUICK.trainer(code_digest=""))})
    trainer: dict[str, Any] = {"name": "Trainer", "state": "complete", "seconds": 80.25}
    model: dict[str, Any] = {
        "id": 2,
        "kind": "Model",
        "step": "Trainer",
        "run_id": "run-1",
        "folder": "T/2",
        "sources": (1,),
    }
    return Provenance(
        run_id="run-1",
        began="2026-01-02",
        steps=(step, dataclasses.replace(step, run_id="run-1", parameters={"custom_config": custom_config}, **trainer)),
        artifacts=(data, dataclasses.replace(data, **model)),
    )


@pytest.fixture(scope="session")
def predictions(slice_dir: pathlib.Path) -> Predictions:
    """Predictions of two untrained models, a little better than chance, for the slice's test images."""
    [file] = slice_dir.glob("cifar10-test.tfrecord-*")
    spec = {"id": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    [parsed] = tf.data.TFRecordDataset(str(file)).batch(1000).map(lambda records: tf.io.parse_example(records, spec))
    labels = parsed["label"].numpy()
    random = np.random.default_rng(1)

    def predict() -> np.ndarray:
        logits = random.normal(size=(len(labels), 10)) + 1.5 * np.eye(10)[labels]
        return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)

    return Predictions(
        ids=parsed["id"].numpy().astype(str),
        labels=labels,
        brightness_quartile=random.integers(4, size=len(labels)),
        contrast_quartile=random.integers(4, size=len(labels)),
        candidate=predict(),
        baseline=predict(),
    )


def _write_model_run(folder: pathlib.Path) -> pathlib.Path:
    """Writes a search whose winner was compared with no reducer and with average pooling."""
    write_model_run(folder)
    finalists = tuple(
        Finalist(point=point, macs=macs, valid_accuracies=(accuracy,), valid_images=100)
        for point, macs, accuracy in (
            ("token_learner-4@1", 4_600_000, 0.33),
            ("no_reducer", 11_900_000, 0.31),
            ("average_pooling-4@1", 4_400_000, 0.36),
        )
    )
    differences = tuple(
        Difference(point="token_learner-4@1", than=than, difference=difference, standard_error=0.01)
        for than, difference in (("no_reducer", 0.02), ("average_pooling-4@1", -0.03))
    )
    write_search(dataclasses.replace(read_search(folder), finalists=finalists, winner_differences=differences), folder)
    return folder


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory, slice_dir: pathlib.Path, predictions: Predictions) -> Sources:
    """The sources of a report with all sections."""
    folder = tmp_path_factory.mktemp("run")
    model = _Model()
    tf.saved_model.save(model, str(folder / "model"), signatures={signatures.ATTENTION_MAPS: model.weigh})
    (folder / "serving").mkdir()
    write_findings(make_findings(serves=True), folder / "serving")
    (folder / "bad_images").mkdir()
    return Sources(
        model_run=_write_model_run(folder / "model_run"),
        model=folder / "model",
        verdict=write_verdict_folder(folder / "verdict", predictions),
        serving=folder / "serving",
        examples=write_examples(slice_dir, folder / "examples"),
        statistics=write_statistics(folder / "statistics"),
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
    """A first run whose model is not blessed."""
    alone = dataclasses.replace(predictions, baseline=None)
    folder = write_verdict_folder(tmp_path_factory.mktemp("alone") / "verdict", alone, min_accuracy=0.99)
    return dataclasses.replace(sources, verdict=folder, pushed_version=None)
