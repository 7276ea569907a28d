"""What the Gate writes comes back whole, without TFX and TensorFlow."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from components import features
from components.evaluator.rules import Thresholds, judge
from components.evaluator.verdict import (
    PREDICTIONS_FILE,
    Predictions,
    read_predictions,
    read_verdict,
    write_predictions,
    write_verdict,
)

THRESHOLDS = Thresholds(min_accuracy=0.1, max_accuracy_drop=0.5, max_class_accuracy_drop=0.9, max_mmacs=8.0)


def make_predictions(*, with_baseline: bool) -> Predictions:
    """Makes answers that are random, but of probabilities."""
    random = np.random.default_rng(0)
    candidate, baseline = random.dirichlet(np.ones(features.NUM_CLASSES), size=(2, 200)).astype(np.float32)
    return Predictions(
        ids=np.array([f"test_{n:05d}" for n in range(200)]),
        labels=np.arange(200) % features.NUM_CLASSES,
        brightness_quartile=np.arange(200) % 4,
        contrast_quartile=np.arange(200) // 50,
        candidate=candidate,
        baseline=baseline if with_baseline else None,
    )


@pytest.mark.parametrize("with_baseline", [True, False])
def test_a_verdict_comes_back_as_it_was(tmp_path: pathlib.Path, with_baseline: bool) -> None:
    verdict = judge(make_predictions(with_baseline=with_baseline), 7_000_000, THRESHOLDS)
    write_verdict(verdict, tmp_path)
    assert read_verdict(tmp_path) == verdict
    assert (verdict.baseline is not None) == (verdict.paired is not None) == with_baseline


@pytest.mark.parametrize("with_baseline", [True, False])
def test_predictions_come_back_as_they_were(tmp_path: pathlib.Path, with_baseline: bool) -> None:
    predictions = make_predictions(with_baseline=with_baseline)
    write_predictions(predictions, tmp_path)
    found = read_predictions(tmp_path)
    for name in ("ids", "labels", "candidate", "brightness_quartile", "contrast_quartile"):
        np.testing.assert_array_equal(getattr(found, name), getattr(predictions, name))
    assert found.candidate.dtype == np.float32
    if predictions.baseline is not None:
        assert found.baseline is not None
        np.testing.assert_array_equal(found.baseline, predictions.baseline)
    else:
        assert found.baseline is None
        assert "baseline" not in np.load(tmp_path / PREDICTIONS_FILE)


def test_a_file_that_is_no_verdict_is_rejected(tmp_path: pathlib.Path) -> None:
    (tmp_path / "verdict.json").write_text('{"is_blessed": true}')
    with pytest.raises(ValueError, match="Field required"):
        read_verdict(tmp_path)


def test_reading_and_comparing_need_neither_tfx_nor_tensorflow() -> None:
    script = """
import sys
import components.evaluator.verdict, components.evaluator.intervals, components.evaluator.metrics
import components.evaluator.rules
assert not {"tfx", "tensorflow", "tensorflow_model_analysis", "apache_beam", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=pathlib.Path(__file__).parents[3])
