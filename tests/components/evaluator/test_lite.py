"""A TensorFlow Lite model is pushed when the interval of its difference to the SavedModel lies within the margin."""

import dataclasses

import numpy as np
import pytest
from scored_images import measure_slices, predict, score_images

from components.artifacts.lite_comparison import Conversion, FailedModel, Form, LiteComparison
from components.evaluator.intervals import compare_paired
from components.evaluator.lite import judge_lite_models

_IMAGES = 1000
_FAILED = FailedModel(name="float32", message="not pushed: it lacks an operator")
_INT8 = Form(name="int8", file="model_int8.tflite", size_bytes=5, p50_seconds=0.001, p95_seconds=0.002)
_FORMS = (dataclasses.replace(_INT8, name="saved_model", file=None), _INT8)


def _judge(right: np.ndarray, lite_right: np.ndarray, margin: float) -> LiteComparison:
    scored = score_images(right)
    scored = dataclasses.replace(scored, int8=predict(scored.labels, lite_right))
    metrics = measure_slices([scored])[()]
    return judge_lite_models(Conversion(forms=_FORMS, failed=(_FAILED,)), metrics, margin)


@pytest.mark.parametrize(
    ("lost", "gained", "margin", "is_pushed"),
    [
        (0, 0, 0.002, True),
        (0, 0, 0.0019, False),  # no difference, but 1,000 images resolve no finer
        (20, 15, 0.02, True),
        (25, 10, 0.02, False),  # 1.5 points lower, but 2.6 cannot be ruled out
        (40, 60, 0.02, True),
    ],
)
def test_the_lower_end_of_the_interval_decides(lost: int, gained: int, margin: float, *, is_pushed: bool) -> None:
    right = np.arange(_IMAGES) < _IMAGES // 2
    lite_right = right.copy()
    lite_right[:lost] = False
    lite_right[_IMAGES - gained :] = True
    comparison = _judge(right, lite_right, margin)
    assert (comparison.images, comparison.margin, comparison.failed) == (_IMAGES, margin, (_FAILED,))
    saved_model, int8 = comparison.variants
    assert (saved_model.difference, saved_model.is_pushed, saved_model.accuracy.value) == (None, False, 0.5)
    paired = compare_paired(lite_right, right)
    assert int8.difference is not None
    assert dataclasses.astuple(int8.difference) == (paired.difference, paired.low, paired.high)
    assert int8.accuracy.value == pytest.approx(lite_right.mean())
    assert int8.is_pushed == is_pushed == (paired.low > -margin)
    assert int8.message.startswith("pushed: " if is_pushed else "not pushed: ")
    assert f"the lower end must be above {-100 * margin:.1f}" in int8.message
    assert (int8.file, int8.size_bytes, int8.p95_seconds) == ("model_int8.tflite", 5, 0.002)
    assert comparison.outcomes == {"int8": int8.message, "float32": _FAILED.message}
