"""Makes the TensorFlow Lite models of an exported model and decides which of them are pushed beside it.

A TensorFlow Lite model is pushed when the *lower* end of the 95 % interval of its paired difference lies above minus
the margin, as the Evaluator compares a model with the last blessed one (`components/evaluator/rules.py`). How much room
for noise the margin needs follows from how often the two are right on different images. The int8 models of two networks
of the profile quick, with layer norms in float, differed so on 2 % of 10,000 test images: a standard error of 0.14
points on 10,000 images and 0.45 on 1,000, of which an equally accurate model needs about 3.7 to pass 19 times in 20,
0.5 points and 1.7. The margins in `pipeline/config.py` are about twice that, for a TensorFlow Lite model may be a
little worse. They do reject: with layer norms in eight bits, too, the same models lost 1.3 and 2.4 points.
"""

import pathlib

import numpy as np

from components import features
from components.artifacts.lite_comparison import (
    LABELS_FILE,
    LITE_NAMES,
    FailedModel,
    LiteComparison,
    Variant,
    VariantName,
)
from components.artifacts.predictions import read_right
from components.artifacts.verdict import Measure, Paired
from components.evaluator.intervals import compare_paired, measure_share
from components.lite_converter import images, measure
from components.lite_converter.convert import convert_models, locate_lite_model

_CALIBRATION_IMAGES_PER_CLASS = 20  # TensorFlow advises 100 to 500 in all; 1,000 gave no better model than 100


def make_lite_models(
    saved_model: pathlib.Path,
    train_split: pathlib.Path,
    test_split: pathlib.Path,
    verdict: pathlib.Path,
    margin: float,
    folder: pathlib.Path,
) -> LiteComparison:
    """Converts, measures and judges.

    Args:
        saved_model: As the Trainer exports it.
        train_split: Folder of TFRecords; the first images of each class calibrate the int8 model.
        test_split: On which they are compared.
        verdict: Folder with the model's predictions for it.
        margin: See `LiteComparison`.
        folder: Gets the TensorFlow Lite models and `labels.txt`.

    Returns:
        The comparison. It says what failed, if a model could not be converted or does not run.
    """
    failures = convert_models(saved_model, images.choose_images(train_split, _CALIBRATION_IMAGES_PER_CLASS), folder)
    (folder / LABELS_FILE).write_text("".join(f"{name}\n" for name in features.CLASS_NAMES))
    models: dict[VariantName, measure.Classify] = {"saved_model": measure.load_saved_model(saved_model)}
    right: dict[VariantName, np.ndarray] = {"saved_model": read_right(verdict)[1]}
    for name in [name for name in LITE_NAMES if name not in failures]:
        asked = _ask_lite_model(locate_lite_model(folder, name), test_split)
        if isinstance(asked, str):
            failures[name] = asked
        else:
            models[name], right[name] = asked
    latencies = measure.time_in_turns(models, next(images.stream_images(test_split)).pixels)
    variants = [_describe_saved_model(saved_model, right["saved_model"], latencies["saved_model"])]
    for name in [name for name in LITE_NAMES if name in right]:
        file = locate_lite_model(folder, name)
        variants.append(judge_lite_model(name, file, right[name], right["saved_model"], latencies[name], margin))
    failed = tuple(describe_failure(name, reason) for name, reason in failures.items())
    return LiteComparison(images=len(right["saved_model"]), margin=margin, variants=tuple(variants), failed=failed)


def judge_lite_model(
    name: VariantName,
    file: pathlib.Path,
    right: np.ndarray,
    model_right: np.ndarray,
    latency: measure.Latency,
    margin: float,
) -> Variant:
    """Decides whether a TensorFlow Lite model is pushed.

    Args:
        name: Of the model.
        file: The model.
        right: Which test images it got right, bool [images].
        model_right: The same of the SavedModel.
        latency: Of the model.
        margin: See `LiteComparison`.

    Returns:
        What was found.
    """
    paired = compare_paired(right, model_right)
    is_pushed = paired.low > -margin
    return Variant(
        name=name,
        file=file.name,
        size_bytes=measure.measure_size(file),
        accuracy=measure_share(int(right.sum()), len(right)),
        difference=Measure(value=paired.difference, low=paired.low, high=paired.high),
        p50_seconds=latency.p50_seconds,
        p95_seconds=latency.p95_seconds,
        is_pushed=is_pushed,
        sentence=f"{'pushed' if is_pushed else 'not pushed'}: {_compare(paired)}; the lower end must be above "
        f"{-100 * margin:.1f}",
    )


def describe_failure(name: VariantName, reason: str) -> FailedModel:
    """Describes a TensorFlow Lite model that could not be made, or does not run."""
    return FailedModel(
        name=name, sentence=f"not pushed: TensorFlow Lite cannot take this network: {reason.rstrip('.')}"
    )


def _ask_lite_model(file: pathlib.Path, split: pathlib.Path) -> tuple[measure.Classify, np.ndarray] | str:
    """Returns a TensorFlow Lite model and whether it is right, bool [images]; or, in words, why it does not run."""
    try:
        lite_model = measure.load_lite_model(file)
        return lite_model, measure.find_right(lite_model, images.stream_images(split))
    except (RuntimeError, ValueError) as error:  # of the interpreter: not every operator takes every type
        return str(error).splitlines()[0]


def _describe_saved_model(folder: pathlib.Path, right: np.ndarray, latency: measure.Latency) -> Variant:
    return Variant(
        name="saved_model",
        file=None,
        size_bytes=measure.measure_size(folder),
        accuracy=measure_share(int(right.sum()), len(right)),
        difference=None,
        p50_seconds=latency.p50_seconds,
        p95_seconds=latency.p95_seconds,
        is_pushed=False,
        sentence="the model itself, with which the others are compared; they are pushed beside it, if it is",
    )


def _compare(paired: Paired) -> str:
    difference, low, high = (100 * share for share in (paired.difference, paired.low, paired.high))
    return (
        f"accuracy against the SavedModel's, on the same images, {difference:+.2f} points "
        f"({low:+.2f} to {high:+.2f} with 95 % confidence)"
    )
