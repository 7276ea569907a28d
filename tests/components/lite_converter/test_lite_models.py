"""A TensorFlow Lite model is pushed when its interval lies within the margin; one that cannot be made stops nothing."""

import pathlib

import numpy as np
import pytest

from components.artifacts.lite_comparison import LiteComparison, read_comparison, write_comparison
from components.lite_converter.lite_models import describe_failure, judge_lite_model
from components.lite_converter.measure import Latency

_LATENCY = Latency(p50_seconds=0.001, p95_seconds=0.002)


def _disagree(lost: int, gained: int, images: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Returns which images a TensorFlow Lite model and its model get right, of which they differ on so many."""
    model = np.arange(images) < images // 2
    lite_model = model.copy()
    lite_model[:lost] = False
    lite_model[images - gained :] = True
    return lite_model, model


@pytest.mark.parametrize(
    ("lost", "gained", "margin", "is_pushed"),
    [
        (0, 0, 0.002, True),
        (0, 0, 0.0019, False),  # nothing differed, and 1,000 images cannot tell finer
        (20, 15, 0.02, True),
        (25, 10, 0.02, False),  # by 1.5 points, but 2.6 cannot be ruled out
        (40, 60, 0.02, True),
    ],
)
def test_the_lower_end_of_the_interval_decides(
    tmp_path: pathlib.Path, lost: int, gained: int, margin: float, is_pushed: bool
) -> None:
    file = tmp_path / "model_int8.tflite"
    file.write_bytes(b"12345")
    found = judge_lite_model("int8", file, *_disagree(lost, gained), _LATENCY, margin)
    assert found.is_pushed == is_pushed
    assert found.difference is not None
    assert found.difference.value == pytest.approx((gained - lost) / 1000)
    assert (found.difference.low > -margin) == is_pushed
    assert found.sentence.startswith("pushed: " if is_pushed else "not pushed: ")
    assert f"the lower end must be above {-100 * margin:.1f}" in found.sentence
    assert (found.file, found.size_bytes, found.p95_seconds) == ("model_int8.tflite", 5, 0.002)


def test_what_failed_is_written_and_read_back(tmp_path: pathlib.Path) -> None:
    failed = describe_failure("int8", "it lacks an operator.")
    comparison = LiteComparison(images=1, margin=0.1, variants=(), failed=(failed,))
    write_comparison(comparison, tmp_path)
    assert read_comparison(tmp_path) == comparison
    assert comparison.outcomes == {"int8": "not pushed: TensorFlow Lite cannot take this network: it lacks an operator"}
