"""Seconds of Evaluator and Gate on all test images at hand, with a baseline, and what the Gate's intervals cost.

The models are the profile full's network with weights that nobody trained: that does not change the time.
"""

import dataclasses
import json
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import json_format, text_format
from rich.console import Console
from rich.table import Table
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import metadata_io
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from benchmarks.dataset import find_dataset
from components import features
from components.evaluator.eval_config import make_eval_config
from components.evaluator.gate import Gate, GateVerdict
from components.evaluator.rules import Thresholds, judge
from components.evaluator.verdict import read_predictions
from components.schema import SCHEMA_FILE
from components.trainer.export import export_model
from components.transform import preprocessing_fn
from models.vit import build_vit
from pipeline.config import FULL, QUICK

_TRANSFORM_IMAGES = 500  # make the Transform graph


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        inputs = {"examples": _make_examples(root)}
        transform = _make_transform(root)
        for seed, key in enumerate(("model", "baseline_model")):
            inputs[key] = _make_model(root / key, transform, seed)
        steps = {
            "Evaluator": _time(lambda: _run_evaluator(root, inputs)),
            "Gate": _time(lambda: _run_gate(root, inputs)),
        }
        predictions = read_predictions(root / "verdict")
        thresholds = Thresholds(**dataclasses.asdict(FULL.evaluation))
        judgement = _time(lambda: judge(predictions, macs=0, thresholds=thresholds))
    title = f"Evaluator and Gate with a baseline on {len(predictions.labels):,} images"
    table = Table(title=title, title_justify="left")
    for heading in ("step", "seconds", "of all cores"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    both = tuple(sum(values) for values in zip(*steps.values(), strict=True))
    rows = {**steps, "both": both, "of the Gate: metrics, intervals, rules": judgement}
    for name, (seconds, cpu_seconds) in rows.items():
        table.add_row(name, f"{seconds:.1f}", f"{cpu_seconds:.1f}")
    Console().print(table)


def _make_examples(root: pathlib.Path) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(root / "examples")
    examples.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    split = root / "examples" / f"Split-{features.TEST_SPLIT}"
    split.mkdir(parents=True)
    for file in find_dataset().glob("cifar10-test.tfrecord-*"):
        (split / file.name).symlink_to(file.resolve())
    return examples


def _make_transform(root: pathlib.Path) -> tft.TFTransformOutput:
    [file] = QUICK.data.tfds_dir.glob("cifar10-train.tfrecord-*")
    records = tf.data.TFRecordDataset(str(file)).take(_TRANSFORM_IMAGES).as_numpy_iterator()
    values = [tf.train.Example.FromString(record).features.feature for record in records]
    rows = [
        {
            features.ID: value[features.ID].bytes_list.value[0],
            features.IMAGE: value[features.IMAGE].bytes_list.value[0],
            features.LABEL: value[features.LABEL].int64_list.value[0],
        }
        for value in values
    ]
    metadata = DatasetMetadata(text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema()))
    folder = str(root / "transform")
    with tft_beam.Context(temp_dir=str(root / "beam")):
        _, transform_fn = (rows, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocessing_fn)
        transform_fn | tft_beam.WriteTransformFn(folder)
    metadata_io.write_metadata(metadata, f"{folder}/{tft.TFTransformOutput.RAW_METADATA_DIR}")
    return tft.TFTransformOutput(folder)


def _make_model(folder: pathlib.Path, transform: tft.TFTransformOutput, seed: int) -> standard_artifacts.Model:
    keras.utils.set_random_seed(seed)
    network = FULL.trainer(code_digest="").affordable_points()[0]
    export_model(transform, build_vit(network), path_utils.serving_model_dir(str(folder)))
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def _time(step: Callable[[], object]) -> tuple[float, float]:
    """Returns the seconds that a step takes, and those of all cores together."""
    begin, cpu_begin = time.monotonic(), time.process_time()
    step()
    return time.monotonic() - begin, time.process_time() - cpu_begin


def _run_evaluator(root: pathlib.Path, inputs: dict[str, Any]) -> None:
    blessing, evaluation = standard_artifacts.ModelBlessing(), standard_artifacts.ModelEvaluation()
    blessing.uri, evaluation.uri = str(root / "evaluator_blessing"), str(root / "evaluation")
    properties = {
        "eval_config": json_format.MessageToJson(make_eval_config(code_digest="")),
        "example_splits": json.dumps([features.TEST_SPLIT]),
    }
    context = Evaluator.Context(beam_pipeline_args=["--runner=FnApiRunner"])
    Evaluator(context).Do(
        {key: [inputs[key]] for key in ("examples", "model")},
        {"blessing": [blessing], "evaluation": [evaluation]},
        properties,
    )


def _run_gate(root: pathlib.Path, inputs: dict[str, Any]) -> None:
    model_run, blessing, verdict = standard_artifacts.ModelRun(), standard_artifacts.ModelBlessing(), GateVerdict()
    model_run.uri, blessing.uri, verdict.uri = (str(root / name) for name in ("model_run", "blessing", "verdict"))
    pathlib.Path(model_run.uri).mkdir()
    (pathlib.Path(model_run.uri) / "winner.json").write_text(json.dumps({"macs": {"total": 10**7}}))
    Gate.test_call(
        **inputs,
        **dataclasses.asdict(FULL.evaluation),
        model_run=model_run,
        blessing=blessing,
        verdict=verdict,
        code_digest="",
    )


if __name__ == "__main__":
    main()
