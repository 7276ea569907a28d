"""The Evaluator's files come back whole, without TFX and TensorFlow."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from scored_images import judge_predictions, score_images, write_predictions

from components.artifacts.predictions import read_right, stream_predictions
from components.artifacts.verdict import read_verdict, write_verdict


@pytest.mark.parametrize("with_baseline", [True, False])
def test_a_verdict_comes_back_as_it_was(tmp_path: pathlib.Path, with_baseline: bool) -> None:
    right = np.arange(200) % 3 > 0
    verdict = judge_predictions(score_images(right, ~right if with_baseline else None), 7_000_000)
    write_verdict(verdict, tmp_path)
    assert read_verdict(tmp_path) == verdict
    assert (verdict.baseline is not None) == (verdict.paired is not None) == with_baseline


def test_predictions_are_read_batch_by_batch_and_by_id(tmp_path: pathlib.Path) -> None:
    right = np.random.default_rng(0).random(5000) < 0.5
    predictions = score_images(right)
    order = np.random.default_rng(1).permutation(5000)  # as Beam leaves them
    for name in ("ids", "labels", "brightness_quartile", "contrast_quartile", "candidate"):
        getattr(predictions, name)[:] = getattr(predictions, name)[order]
    write_predictions(predictions, tmp_path)
    assert [len(batch.ids) for batch in stream_predictions(tmp_path)] == [4096, 904]
    ids, found = read_right(tmp_path)
    assert (ids[0], ids[-1]) == ("test_00000", "test_04999")
    np.testing.assert_array_equal(found, right)


def test_a_folder_without_predictions_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no predictions\*\.parquet"):
        read_right(tmp_path)


def test_a_file_that_is_no_verdict_is_rejected(tmp_path: pathlib.Path) -> None:
    (tmp_path / "verdict.json").write_text('{"is_blessed": true}')
    with pytest.raises(ValueError, match="Field required"):
        read_verdict(tmp_path)


def test_reading_and_comparing_need_neither_tfx_nor_tensorflow() -> None:
    script = """
import sys
import components.artifacts.verdict, components.artifacts.predictions, components.evaluator.rules
assert not {"tfx", "tensorflow", "tensorflow_model_analysis", "apache_beam", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=pathlib.Path(__file__).parents[3])
