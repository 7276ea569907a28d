"""The ServingValidator, driven with real artifacts and real fresh processes: what it does not bless, and what it says.

What it blesses is in the end-to-end test.
"""

import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components import features, signatures
from components.serving_validator import process
from components.trainer.export import ServingModule

Validate = Callable[..., Any]


class UnfitModule(ServingModule):
    """Turns batches round, takes anything for an image, and keeps weights where TensorFlow Serving does not look."""

    def __init__(self, transform: Any, model: keras.Model) -> None:
        super().__init__(transform, model)
        self.tracked = model
        self.weights = []

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_reversed(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers the last record first."""
        return {signatures.PROBABILITIES: self._classify(self._parse_images(examples))[signatures.PROBABILITIES][::-1]}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(None, tf.uint8, name="images")])
    def serve_anything(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers nothing that is a number, whatever it is asked."""
        return {signatures.PROBABILITIES: tf.fill((tf.shape(images)[0], features.NUM_CLASSES), float("nan"))}


def copy_model(model: Any, folder: pathlib.Path) -> tuple[Any, pathlib.Path]:
    """Copies a Model; returns it with the folder of its SavedModel."""
    shutil.copytree(model.uri, folder)
    copied = standard_artifacts.Model()
    copied.uri = str(folder)
    return copied, pathlib.Path(path_utils.serving_model_dir(copied.uri))


def test_everything_that_an_unfit_model_does_wrong_is_told_at_once(
    validate: Validate,
    transform: Any,
    network: keras.Model,
    tmp_path: pathlib.Path,
    is_pushed: Callable[[Any], bool],
) -> None:
    module = UnfitModule(transform, network)
    unfit = standard_artifacts.Model()
    unfit.uri = str(tmp_path)
    functions = {
        signatures.SERVE_EXAMPLES: module.serve_reversed,
        signatures.SERVE_IMAGES: module.serve_anything,
    }
    tf.saved_model.save(module, path_utils.serving_model_dir(unfit.uri), signatures=functions)
    rejected = standard_artifacts.InfraBlessing()
    rejected.set_int_custom_property("blessed", 0)
    validated = validate(
        unfit, docker_blessing=rejected, max_batch_1_p50_seconds=0.0, max_batch_32_p95_seconds=0.0, max_memory_mib=10
    )
    assert validated.files == ["INFRA_NOT_BLESSED", "serving.json"]
    assert not is_pushed(validated.blessing)
    missed = validated.missed
    assert set(missed) == {
        *("equal_to_trainer", "session", "batch_order", "malformed_records", "recovery", "latency", "memory", "docker"),
    }
    assert "those of serve_images by more than can be told (no answer, or no number)" in missed["equal_to_trainer"]
    assert "serving_default: FailedPreconditionError" in missed["session"]
    assert "is not kept" in missed["batch_order"]
    assert "got an answer and not an error: images of 16x16 pixels (serve_images)" in missed["malformed_records"]
    assert "(serving_default)" not in missed["malformed_records"]
    assert "allowed are 0.0 and 80.0; half of the requests with 32 images to serving_default" in missed["latency"]
    assert "allowed are 10" in missed["memory"]
    assert missed["docker"].startswith("TensorFlow Serving in docker did not load the model")


def test_a_model_whose_variables_are_cut_short_does_not_load(
    validate: Validate, model: Any, tmp_path: pathlib.Path
) -> None:
    broken, folder = copy_model(model, tmp_path / "broken")
    variables = folder / "variables" / "variables.data-00000-of-00001"
    variables.write_bytes(variables.read_bytes()[:1000])
    validated = validate(broken)
    assert validated.files == ["INFRA_NOT_BLESSED", "serving.json"]
    assert set(validated.missed) == {"loading"}
    assert "the model cannot be loaded with TensorFlow" in validated.missed["loading"]
    assert validated.findings.latencies == ()
    assert validated.findings.load_seconds is None


@pytest.mark.parametrize(
    ("script", "time_limit_seconds", "sentence"),
    [
        ("import os; os.kill(os.getpid(), 11)", 30.0, "was killed by signal SIGSEGV"),
        ("raise SystemExit(7)", 30.0, "ended with exit code 7 and left no answers; the log of the run tells more"),
        ("import time; time.sleep(60)", 0.2, "was not done after 0.2 seconds (serving.time_limit_seconds)"),
    ],
    ids=["killed", "ended", "hanging"],
)
def test_a_fresh_process_that_dies_or_hangs_withholds_the_blessing(
    validate: Validate,
    model: Any,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    time_limit_seconds: float,
    sentence: str,
) -> None:
    (tmp_path / "probe.py").write_text(script)
    monkeypatch.setattr(process, "PROBE", tmp_path / "probe.py")
    validated = validate(model, time_limit_seconds=time_limit_seconds)
    assert validated.files == ["INFRA_NOT_BLESSED", "serving.json"]
    [reason] = validated.findings.reasons
    assert sentence in reason
    assert validated.findings.peak_memory_bytes is None
