"""Seconds of the Evaluator on test images, with a baseline.

The models are the most expensive network of the profile full, untrained, which does not change the time.
"""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
import keras
import tensorflow_transform as tft
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table
from benchmarks.splits import ALL_IMAGES, SAMPLE, open_splits
from components import features
from components.artifacts.lite_comparison import CONVERSION_FILE, encode_conversion
from components.artifacts.verdict import read_verdict
from components.artifacts.winner import Winner, write_winner
from components.errors import DataFailure
from components.evaluator.artifact import EvaluationVerdict
from components.evaluator.component import Evaluator
from components.lite_converter.artifact import LiteModels
from components.lite_converter.lite_models import choose_images, make_lite_models
from components.saved_model import locate_saved_model
from components.trainer.export import export_model
from models.folding import fold_batch_norm
from models.macs import count_macs
from models.presets import PRESETS
from models.search_space import name_point
from models.vit import build_vit
from pipeline.beam_options import make_step_arguments
from pipeline.config import FULL

_SEEDS = {"model": 1, "baseline_model": 2}  # of their weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    tfds_dir: pathlib.Path = SAMPLE
    lite: bool = True  # also score the candidate's TensorFlow Lite models


def measure(effort: Effort) -> list[Row]:
    """Evaluates a candidate and a baseline."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        inputs = {"examples": _make_examples(root, effort.tfds_dir)}
        transform = open_splits(SAMPLE).transform
        for key, seed in _SEEDS.items():
            inputs[key] = _make_model(root / key, transform, seed)
        if effort.lite:
            inputs |= {"lite_models": _make_lite_models(root, inputs), "int8_margin": FULL.push.int8_margin}
        seconds = _time(lambda: _evaluate(root, inputs))
        images = read_verdict(root / "verdict").candidate.images
    step = "Evaluator" + (", TensorFlow Lite models included" if effort.lite else "")
    return [{"step": step, "images": images, **seconds}]


def summarize(rows: Sequence[Row]) -> Summary:
    """Shows the time of the step."""
    title = f"Evaluator with a baseline on {rows[0]['images']:,} images"
    cells = tuple((row["step"], f"{row['seconds']:.1f}", f"{row['processor_seconds']:.1f}") for row in rows)
    return Summary(tables=(Table(title=title, columns=("step", "seconds", "of all cores"), rows=cells),))


def _make_examples(root: pathlib.Path, tfds_dir: pathlib.Path) -> standard_artifacts.Examples:
    examples = standard_artifacts.Examples()
    examples.uri = str(root / "examples")
    examples.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    split = root / "examples" / f"Split-{features.TEST_SPLIT}"
    split.mkdir(parents=True)
    for file in tfds_dir.glob("cifar10-test.tfrecord-*"):
        (split / file.name).symlink_to(file.resolve())
    if not any(split.iterdir()):
        raise DataFailure(f"{tfds_dir} holds no TFDS dataset; make it with `tokenlearner data prepare`.")
    return examples


def _make_model(folder: pathlib.Path, transform: tft.TFTransformOutput, seed: int) -> standard_artifacts.Model:
    keras.utils.set_random_seed(seed)
    network = max(FULL.trainer(code_digest="").affordable_points(), key=lambda point: count_macs(point).total)
    model = fold_batch_norm(network, build_vit(network))  # as the Trainer exports it
    export_model(transform, model, FULL.task, path_utils.serving_model_dir(str(folder)))
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


def _make_lite_models(root: pathlib.Path, inputs: dict[str, Any]) -> LiteModels:
    lite_models = LiteModels()
    lite_models.uri = str(root / "lite_models")
    images = choose_images(root / "examples" / f"Split-{features.TEST_SPLIT}", FULL.task)
    (root / "lite_models").mkdir()
    conversion = make_lite_models(locate_saved_model(inputs["model"]), images, root / "lite_models")
    (root / "lite_models" / CONVERSION_FILE).write_bytes(encode_conversion(conversion))
    return lite_models


def _time(step: Callable[[], object]) -> Row:
    """Measures the seconds that a step takes, and those of all cores together."""
    begin, processor = time.monotonic(), time.process_time()
    step()
    return {"seconds": time.monotonic() - begin, "processor_seconds": time.process_time() - processor}


def _evaluate(root: pathlib.Path, inputs: dict[str, Any]) -> None:
    outputs = {
        "evaluation": standard_artifacts.ModelEvaluation(),
        "blessing": standard_artifacts.ModelBlessing(),
        "verdict": EvaluationVerdict(),
    }
    for name, artifact in outputs.items():
        artifact.uri = str(root / name)
    model_run = standard_artifacts.ModelRun()
    model_run.uri = str(root / "model_run")
    pathlib.Path(model_run.uri).mkdir()
    network = PRESETS["residual_stem"]
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
    Evaluator.test_call(
        **inputs,
        **outputs,
        **dataclasses.asdict(FULL.evaluation),
        model_run=model_run,
        code_digest="",
        beam_pipeline=beam.Pipeline(argv=make_step_arguments(())),
    )


BENCHMARK = Benchmark(
    "evaluation", measure, summarize, Effort(), Effort(tfds_dir=ALL_IMAGES), seeds=tuple(_SEEDS.values())
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
