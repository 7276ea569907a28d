"""The ServingValidator with real artifacts and serving processes: models that it rejects, and why.

The end-to-end test has a model that it blesses.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sample_slice import PROJECT
from tfx.components.pusher.executor import Executor
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components import signatures
from components.artifacts.serving_findings import read_findings
from components.image_dataset import CIFAR10
from components.serving_validator import process
from components.serving_validator.component import ServingValidator
from components.serving_validator.judge import judge
from components.serving_validator.requests import make_plan
from components.trainer.export import ServingModule, _guard_empty
from pipeline.config import QUICK

from .conftest import list_missed, make_artifact


class UnfitModule(ServingModule):
    """Reverses batches, accepts anything as an image, and keeps weights where TensorFlow Serving does not look."""

    def __init__(self, transform: Any, model: Any) -> None:
        super().__init__(transform, model)
        self.tracked = model
        self._classify_images = _guard_empty(lambda images: model(images, training=False), model.output.shape[1:])

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_reversed(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reverses the batch."""
        return {signatures.PROBABILITIES: self._classify(self._parse_images(examples))[signatures.PROBABILITIES][::-1]}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(None, tf.uint8, name="images")])
    def serve_anything(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns NaN for any input."""
        return {signatures.PROBABILITIES: tf.fill((tf.shape(images)[0], len(CIFAR10.class_names)), float("nan"))}


def test_all_faults_of_an_unfit_model_are_reported_at_once(
    examples: Any, transform: Any, exported_model: Any, tmp_path: pathlib.Path
) -> None:
    module = UnfitModule(transform, exported_model.load_network())
    unfit = make_artifact(standard_artifacts.Model, tmp_path / "model")
    functions = {signatures.SERVE_EXAMPLES: module.serve_reversed, signatures.SERVE_IMAGES: module.serve_anything}
    tf.saved_model.save(module, path_utils.serving_model_dir(unfit.uri), signatures=functions)
    blessing = make_artifact(standard_artifacts.InfraBlessing, tmp_path / "blessing")
    config = dataclasses.replace(QUICK.serving, timed_requests=5, max_batch_1_p50_seconds=0.0, max_memory_mib=10)
    ServingValidator.test_call(
        examples=examples,
        model=unfit,
        model_run=make_artifact(standard_artifacts.ModelRun, exported_model.network_file.parent),
        transform_graph=make_artifact(
            standard_artifacts.TransformGraph, pathlib.Path(transform.transform_savedmodel_dir).parent
        ),
        blessing=blessing,
        config=json.dumps(dataclasses.asdict(config)),
        rejections=0,
        code_digest="",
    )
    assert sorted(file.name for file in pathlib.Path(blessing.uri).iterdir()) == ["INFRA_NOT_BLESSED", "serving.json"]
    missed = list_missed(read_findings(pathlib.Path(blessing.uri)))
    assert not Executor().CheckBlessing({"model": [unfit], "infra_blessing": [blessing]})  # by TFX's own Pusher
    for name, words in {
        "equal_to_trainer": "infinity (an error, or no finite number) (serve_images)",
        "session": "serving_default: FailedPreconditionError",
        "malformed_records": "accepted without an error: images of 16x16 pixels (serve_images)",
        "latency": "requests of 1 to serving_default take",
        "memory": "the limit is 10 MiB",
    }.items():
        assert words in missed.pop(name)
    assert missed == {}


def test_a_model_with_truncated_variables_does_not_load(model: Any, sample: Any, tmp_path: pathlib.Path) -> None:
    folder = pathlib.Path(path_utils.serving_model_dir(model.uri))
    shutil.copytree(folder, tmp_path / "broken")
    variables = tmp_path / "broken" / "variables" / "variables.data-00000-of-00001"
    variables.write_bytes(variables.read_bytes()[:1000])
    plan = make_plan(sample.records, sample.pixels, timed_requests=1)
    findings = judge(plan, process.serve(tmp_path / "broken", plan, 240.0), np.zeros((60, 10)), QUICK.serving)
    [reason] = findings.reasons
    assert " cannot load the model: " in reason
    assert findings.latencies == ()
    assert findings.load_seconds is None


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", "was killed by signal SIGSEGV"),
        ("raise SystemExit(7)", "ended with exit code 7 and no answers; see the log of the run"),
        ("import time; time.sleep(60)", "exceeded 2 seconds (--serving.time-limit-seconds)"),
    ],
    ids=["killed", "ended", "hanging"],
)
def test_a_serving_process_that_dies_or_hangs_has_no_outcome(
    script: str, words: str, sample: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "probe.py").write_text(script)
    monkeypatch.setattr(process, "PROBE", tmp_path / "probe.py")
    outcome = process.serve(tmp_path, make_plan(sample.records, sample.pixels, timed_requests=1), 2.0)
    assert words in str(outcome)


def test_a_process_that_has_built_no_network_loads_the_trainers(exported_model: Any) -> None:
    """As on a cluster, or locally when the Trainer comes from the cache."""
    script = "import pathlib, sys; from components.serving_validator.expectation import load_network as load; "
    script += "print(load(pathlib.Path(sys.argv[1])).count_params())"
    command = [sys.executable, "-c", script, str(exported_model.network_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert int(done.stdout) == exported_model.load_network().count_params()
