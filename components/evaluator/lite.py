"""Decides which TensorFlow Lite models are pushed beside the SavedModel.

A TensorFlow Lite model is pushed when the *lower* end of the 95% interval of its paired difference to the SavedModel
lies above minus the margin; `rules.py` compares the candidate with the baseline in the same way. How much room for
noise the margin needs depends on how often the two are right on different images. The int8 models of two networks of
the profile quick, with layer norms in float, differed on 2% of 10,000 test images: a standard error of 0.14 points on
10,000 images and 0.45 on 1,000. An equally accurate model needs about 3.7 of them to pass 19 times in 20: 0.5 and 1.7
points. The defaults in `components/scaled_defaults.py` are about twice that, because a TensorFlow Lite model may be a
little worse. They do reject: with layer norms in eight bits, too, the same models lost 1.3 and 2.4 points.
"""

import dataclasses

from components.artifacts.lite_comparison import Conversion, Form, LiteComparison, Variant
from components.artifacts.verdict import Measure
from components.evaluator.counts import CANDIDATE, Metrics
from components.evaluator.rules import compare
from components.evaluator.scorecard import measure_rate
from components.scaled_defaults import choose_lite_drop


def judge_lite_models(conversion: Conversion, metrics: Metrics, margin: float | None) -> LiteComparison:
    """Compares the forms of a model.

    Args:
        conversion: The forms.
        metrics: Of all test images.
        margin: See `LiteComparison`; None: the default for the test images.

    Returns:
        The comparison.
    """
    images = int(metrics[CANDIDATE, "example_count"])
    margin = choose_lite_drop(images) if margin is None else margin
    variants = tuple(_judge(form, metrics, margin) for form in conversion.forms)
    return LiteComparison(images=images, margin=margin, variants=variants, failed=conversion.failed)


def _judge(form: Form, metrics: Metrics, margin: float) -> Variant:
    name = CANDIDATE if form.name == "saved_model" else form.name
    accuracy = measure_rate(metrics[name, "accuracy"], int(metrics[name, "example_count"]))
    if name == CANDIDATE:
        difference, is_pushed = None, False
        message = "the reference for the TensorFlow Lite models, which are pushed beside it"
    else:
        paired = compare(metrics, name, CANDIDATE)
        difference, is_pushed = Measure(value=paired.difference, low=paired.low, high=paired.high), paired.low > -margin
        message = (
            f"{'pushed' if is_pushed else 'not pushed'}: accuracy against the SavedModel's, on the same images, "
            f"{paired.describe(digits=2)}; the lower end must be above {-100 * margin:.1f}"
        )
    return Variant(
        **dataclasses.asdict(form), accuracy=accuracy, difference=difference, is_pushed=is_pushed, message=message
    )
