"""Seconds of Evaluator and Gate on test images, with a baseline, and what the Gate's intervals cost.

The models are the most expensive network of the profile full, untrained, which does not change the time.
"""

import dataclasses
import json
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow_transform as tft
from google.protobuf import json_format
from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import ALL_IMAGES, SAMPLE, require_dataset
from benchmarks.result import Row, Summary, Table
from benchmarks.splits import open_splits
from components import features
from components.artifacts.winner import Winner, write_winner
from components.evaluator.eval_config import make_eval_config
from components.evaluator.extractors import custom_extractors
from components.evaluator.gate import Gate, GateVerdict
from components.evaluator.rules import Thresholds, judge
from components.evaluator.verdict import read_predictions
from components.trainer.export import export_model
from models.macs import count_macs
from models.presets import PRESETS
from models.search_space import name_point
from models.vit import build_vit
from pipeline.config import FULL

_SEEDS = {"model": 1, "baseline_model": 2}  # of their weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    tfds_dir: pathlib.Path = SAMPLE


def measure(effort: Effort) -> list[Row]:
    """Evaluates and judges."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        inputs = {"examples": _make_examples(root, require_dataset(effort.tfds_dir))}
        transform = open_splits(SAMPLE).transform
        for key, seed in _SEEDS.items():
            inputs[key] = _make_model(root / key, transform, seed)
        figures = {
            "Evaluator": _time(lambda: _run_evaluator(root, inputs)),
            "Gate": _time(lambda: _run_gate(root, inputs)),
        }
        predictions = read_predictions(root / "verdict")
        thresholds = Thresholds(**dataclasses.asdict(FULL.evaluation))
        figures["of the Gate: metrics, intervals, rules"] = _time(
            lambda: judge(predictions, macs=0, thresholds=thresholds)
        )
    return [{"step": step, "images": len(predictions.labels), **row} for step, row in figures.items()]


def summarize(rows: Sequence[Row]) -> Summary:
    """Adds the two steps up."""
    both = {name: rows[0][name] + rows[1][name] for name in ("seconds", "processor_seconds")}
    lines = [*rows[:2], {"step": "both", **both}, rows[2]]
    title = f"Evaluator and Gate with a baseline on {rows[0]['images']:,} images"
    cells = tuple((row["step"], f"{row['seconds']:.1f}", f"{row['processor_seconds']:.1f}") for row in lines)
    return Summary(tables=(Table(title=title, columns=("step", "seconds", "of all cores"), rows=cells),))


def _make_examples(root: pathlib.Path, tfds_dir: pathlib.Path) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(root / "examples")
    examples.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    split = root / "examples" / f"Split-{features.TEST_SPLIT}"
    split.mkdir(parents=True)
    for file in tfds_dir.glob("cifar10-test.tfrecord-*"):
        (split / file.name).symlink_to(file.resolve())
    return examples


def _make_model(folder: pathlib.Path, transform: tft.TFTransformOutput, seed: int) -> standard_artifacts.Model:
    keras.utils.set_random_seed(seed)
    network = max(FULL.trainer(code_digest="").affordable_points(), key=lambda point: count_macs(point).total)
    export_model(transform, build_vit(network), path_utils.serving_model_dir(str(folder)))
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def _time(step: Callable[[], object]) -> Row:
    """Measures the seconds that a step takes, and those of all cores together."""
    begin, processor = time.monotonic(), time.process_time()
    step()
    return {"seconds": time.monotonic() - begin, "processor_seconds": time.process_time() - processor}


def _run_evaluator(root: pathlib.Path, inputs: dict[str, Any]) -> None:
    blessing, evaluation = standard_artifacts.ModelBlessing(), standard_artifacts.ModelEvaluation()
    blessing.uri, evaluation.uri = str(root / "evaluator_blessing"), str(root / "evaluation")
    properties = {
        "eval_config": json_format.MessageToJson(make_eval_config(code_digest="")),
        "example_splits": json.dumps([features.TEST_SPLIT]),
        "module_path": custom_extractors.__module__,
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
    network = PRESETS["full"]
    winner = Winner(
        point=name_point(network),
        network=network,
        valid_accuracy=0.0,
        valid_images=1,
        best_epoch=1,
        epochs=(),
        macs=count_macs(network),
        parameters=0,
    )
    write_winner(winner, pathlib.Path(model_run.uri))
    Gate.test_call(
        **inputs,
        **dataclasses.asdict(FULL.evaluation),
        model_run=model_run,
        blessing=blessing,
        verdict=verdict,
        code_digest="",
    )


BENCHMARK = Benchmark(
    name="evaluation",
    short=Effort(),
    full=Effort(tfds_dir=ALL_IMAGES),
    seeds=tuple(_SEEDS.values()),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
