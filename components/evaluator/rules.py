"""The four rules that decide whether a model is blessed.

Two of them compare the candidate with the last blessed model on the same images. They are tests of non-inferiority: the
candidate passes if the *lower* end of the 95% interval of its paired difference lies above the allowed drop.

- An observed drop as large as the allowed one never passes.
- A model whose true drop equals the allowed drop passes one time in forty, a worse model more rarely.
- An equally accurate model passes 19 times in 20 if the allowed drop is at least 3.7 standard errors of the difference.
  Two trainings of one network with different seeds disagreed on 20% of the images (profile quick): a standard error of
  0.45 points on 10,000 images, 1.4 on 1,000. The defaults in `components/scaled_defaults.py` follow from that.

All classes must pass (an intersection-union test). A model in which one class dropped by the allowed amount passes
in at most 2.5% of cases, however many classes there are, so the intervals need no correction such as Bonferroni's.
Classes with few test images are not judged.
"""

from collections.abc import Mapping, Sequence

from components import features
from components.artifacts.image_task import ImageTask
from components.artifacts.verdict import Measure, Paired, Rule, RuleName, Verdict
from components.evaluator.config import EvaluationConfig
from components.evaluator.counts import BASELINE, CANDIDATE, Metrics, SliceKey
from components.evaluator.intervals import compare_counts
from components.evaluator.scorecard import score
from components.scaled_defaults import choose_accuracy_drop, choose_class_accuracy_drop, choose_min_accuracy

_NO_BASELINE = "no other model was ever blessed"


def judge(slices: Mapping[SliceKey, Metrics], macs: int, config: EvaluationConfig, task: ImageTask) -> Verdict:
    """Judges a model by the four rules.

    Args:
        slices: Metrics of the test split, of the candidate and, if there is one, of the last blessed model.
        macs: The candidate's multiply-accumulates an image.
        config: The rules' numbers.
        task: Of both models.

    Returns:
        The verdict; blessed if all rules that apply are passed.

    Reference:
        Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982 (all of several
        tests must be passed: intersection-union). ICH guideline E9, "Statistical principles for clinical trials", 1998,
        section 3.3.2 (non-inferiority by the lower end of an interval).
    """
    few = config.min_slice_images
    candidate = score(slices, CANDIDATE, task.class_names, few)
    baseline = paired = by_class = None
    if (BASELINE, "accuracy") in slices[()]:
        baseline, paired = score(slices, BASELINE, task.class_names, few), compare(slices[()])
        by_class = compare_classes(slices, task.class_names)
    images, of_classes = candidate.images, {s.name: s.images for s in candidate.slices if s.feature == "label"}
    floor, drop, class_drop = config.min_accuracy, config.max_accuracy_drop, config.max_class_accuracy_drop
    if floor is None:
        floor = choose_min_accuracy(task.dataset, images, max(of_classes.values()) / images)
    class_drops = {
        name: choose_class_accuracy_drop(count) if class_drop is None else class_drop
        for name, count in of_classes.items()
        if count >= few
    }
    rules = (
        _judge_floor(candidate.overall.accuracy, floor),
        judge_difference(paired, choose_accuracy_drop(images) if drop is None else drop),
        judge_classes(by_class, class_drops),
        _judge_compute(macs / 1e6, config.max_mmacs),
    )
    return Verdict(
        task=task,
        is_blessed=all(rule.passed for rule in rules),
        has_baseline=baseline is not None,
        note=None if baseline else _describe_first(config),
        rules=rules,
        candidate=candidate,
        baseline=baseline,
        paired=paired,
    )


def compare(metrics: Metrics, model: str = CANDIDATE, other: str = BASELINE) -> Paired:
    """Compares two models on the images of one slice."""
    gained, lost, images = (
        int(metrics[model, name]) for name in (f"only_{model}_right", f"only_{other}_right", "example_count")
    )
    return compare_counts(gained, lost, images)


def compare_classes(slices: Mapping[SliceKey, Metrics], class_names: Sequence[str]) -> dict[str, Paired]:
    """Compares candidate and baseline within each class, by the name of the class."""
    return {
        name: compare(slices[key,])
        for label, name in enumerate(class_names)
        if ((key := (features.LABEL, label)),) in slices
    }


def _judge_floor(accuracy: Measure, floor: float) -> Rule:
    return Rule(
        name="accuracy_floor",
        is_applied=True,
        passed=accuracy.value >= floor,
        threshold=floor,
        value=accuracy.value,
        interval=(accuracy.low, accuracy.high),
        message=f"accuracy is {accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%} with 95% confidence); "
        f"it must be at least {floor:.1%}",
    )


def judge_difference(paired: Paired | None, max_drop: float) -> Rule:
    """Judges whether accuracy may have fallen by more than `max_drop`; not applied to None."""
    if paired is None:
        return _skip("not_worse", -max_drop, _NO_BASELINE)
    return Rule(
        name="not_worse",
        is_applied=True,
        passed=paired.low > -max_drop,
        threshold=-max_drop,
        value=paired.difference,
        interval=(paired.low, paired.high),
        message=f"accuracy against the last blessed model's, on the same images: {paired.describe()}; "
        f"the lower end must be above {-100 * max_drop:.1f}",
    )


def judge_classes(by_class: Mapping[str, Paired] | None, max_drops: Mapping[str, float]) -> Rule:
    """Judges whether any class may have fallen by more than it may; not applied to None.

    Args:
        by_class: The differences by class.
        max_drops: What each class may lose; the others are not judged.
    """
    if by_class is None or not max_drops:
        reason = _NO_BASELINE if by_class is None else "no class has enough test images"
        return _skip("no_class_fell", -max(max_drops.values()) if max_drops else None, reason)
    ranked = sorted(max_drops, key=lambda name: by_class[name].low + max_drops[name])
    fallen = [name for name in ranked if not by_class[name].low > -max_drops[name]]
    named, worst = fallen or ranked[:1], by_class[ranked[0]]
    subject = "accuracy of classes" if fallen else "accuracy of the class that comes nearest to a fall"
    limits = {name: f"{-100 * max_drops[name]:.1f}" for name in named}
    limit = " and ".join(f"{drop} for {name}" for name, drop in limits.items())
    if len(set(max_drops.values())) == 1:
        limit = f"{limits[named[0]]} in every class"
    few = len(by_class) - len(max_drops)
    return Rule(
        name="no_class_fell",
        is_applied=True,
        passed=not fallen,
        threshold=-max_drops[ranked[0]],
        value=worst.difference,
        interval=(worst.low, worst.high),
        message=f"{subject}, against the last blessed model's: "
        f"{'; '.join(f'{name} {by_class[name].describe()}' for name in named)}; the lower end must be above {limit}"
        + (f"; not judged, for lack of test images: {few} of {len(by_class)}" if few else ""),
    )


def _judge_compute(mmacs: float, max_mmacs: float | None) -> Rule:
    needs = f"the network needs {mmacs:.2f} million multiply-accumulates an image"
    return Rule(
        name="compute",
        is_applied=max_mmacs is not None,
        passed=max_mmacs is None or mmacs <= max_mmacs,
        threshold=max_mmacs,
        value=mmacs,
        interval=None,
        message=f"{needs}; no budget is set" if max_mmacs is None else f"{needs}; allowed are {max_mmacs:.2f}",
    )


def _skip(name: RuleName, threshold: float | None, reason: str) -> Rule:
    return Rule(
        name=name, is_applied=False, passed=True, threshold=threshold, value=None, interval=None, message=reason
    )


def _describe_first(config: EvaluationConfig) -> str:
    by = "and its compute alone" if config.max_mmacs is not None else "alone, for no compute budget is set"
    return f"No other model was ever blessed: this one was judged by its accuracy {by}."
