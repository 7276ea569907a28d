"""Shows the test metrics of a run by slice, and its confusion matrix, or of many classes the most frequent ones."""

import dataclasses

from rich.console import Console

from components.artifacts.verdict import Slice, find_confusions
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from pipeline.inspection.layout import format_measure, format_share, print_table

_MOST_CLASSES = 20  # of a matrix
_CONFUSIONS = 20
_TITLES = {"label": "By class", "brightness_quartile": "By brightness", "contrast_quartile": "By contrast"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlicesFacts:
    """Slices of a run's test images; keys are those of `inspect slices --json`."""

    run_id: str
    candidate: tuple[Slice, ...]
    baseline: tuple[Slice, ...] | None  # in the same order; None: there was none
    class_names: list[str]
    confusion: tuple[tuple[int, ...], ...]  # images of [actual label][predicted label], candidate


def read_slices(root: Root, run_id: str) -> SlicesFacts:
    """Reads the slices of a run.

    Raises:
        UsageFailure: If the run has not reached the Evaluator.
    """
    record = RunRecord(root, run_id)
    verdict = record.verdict
    record.require("slices", verdict)
    assert verdict is not None
    return SlicesFacts(
        run_id=run_id,
        candidate=verdict.candidate.slices,
        baseline=verdict.baseline.slices if verdict.baseline else None,
        class_names=list(verdict.task.class_names),
        confusion=verdict.candidate.confusion,
    )


def show_slices(console: Console, facts: SlicesFacts) -> None:
    """Shows a table for each feature, and the confusion matrix; above 20 classes the most frequent confusions."""
    console.print(f"Run {shorten(facts.run_id)}, accuracies with 95% intervals.", highlight=False)
    baselines = {(each.feature, each.value): each.accuracy.value for each in facts.baseline or ()}
    for feature, title in _TITLES.items():
        rows = [
            (
                each.name,
                str(each.images),
                format_measure(each.accuracy),
                format_share(each.precision.value if each.precision else None),
                format_share(baselines.get((each.feature, each.value))),
            )
            for each in facts.candidate
            if each.feature == feature
        ]
        columns = ("slice", "images", "accuracy", "precision", "last blessed")
        if rows:
            print_table(console, columns, rows, words=("slice",), title=title)
    names = facts.class_names
    if len(names) > _MOST_CLASSES:
        pairs = [
            (names[actual], names[predicted], str(images), str(sum(facts.confusion[actual])))
            for actual, predicted, images in find_confusions(facts.confusion, _CONFUSIONS)
        ]
        words = ("actual", "predicted")
        print_table(console, (*words, "images", "of"), pairs, words=words, title="Most frequent confusions")
        return
    heads = [name[:5] for name in names]
    if len(set(heads)) < len(heads):
        heads, names = [str(label) for label in range(len(names))], [f"{n} {name}" for n, name in enumerate(names)]
    matrix = [(name, *map(str, row)) for name, row in zip(names, facts.confusion, strict=True)]
    title = "Images by actual (row) and predicted (column) class"
    print_table(console, ("actual", *heads), matrix, words=("actual",), title=title)
