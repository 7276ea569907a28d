"""Shows the test images that a run's model is most confidently wrong about."""

import csv
import dataclasses
import heapq
from collections.abc import Iterator

from rich.console import Console

from components.artifacts.predictions import PREDICTIONS_PREFIX, stream_predictions
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from pipeline.inspection.layout import guard_cell, print_table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test image with a wrong prediction."""

    id: str  # of imported images the path below the imported folder
    label: str
    predicted: str
    probability: float  # of the predicted class, 0..1
    label_probability: float  # of the right class, 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class MistakesFacts:
    """Mistakes of a run's model; keys are those of `inspect errors --json`."""

    run_id: str
    images: int  # of the test split
    mistakes: tuple[Mistake, ...]  # the most confident first


def read_mistakes(root: Root, run_id: str, count: int) -> MistakesFacts:
    """Reads the most confident mistakes of a run's model.

    Raises:
        UsageFailure: If the run has not reached the Evaluator.
    """
    record = RunRecord(root, run_id)
    record.require("errors", record.verdict)
    assert record.verdict
    found = heapq.nlargest(count, _list_mistakes(record), key=lambda mistake: (mistake.probability, mistake.id))
    return MistakesFacts(run_id=run_id, images=record.verdict.candidate.images, mistakes=tuple(found))


def _list_mistakes(record: RunRecord) -> Iterator[Mistake]:
    assert record.verdict
    names = record.verdict.task.class_names
    file = record.find_file("verdict", f"{PREDICTIONS_PREFIX}*.parquet")
    assert file
    for batch in stream_predictions(file.parent):
        for row in (~batch.is_right()).nonzero()[0].tolist():
            probabilities, label = batch.candidate[row], int(batch.labels[row])
            predicted = int(probabilities.argmax())
            yield Mistake(
                id=str(batch.ids[row]),
                label=names[label],
                predicted=names[predicted],
                probability=float(probabilities[predicted]),
                label_probability=float(probabilities[label]),
            )


def write_csv(console: Console, facts: MistakesFacts) -> None:
    """Writes a row for each mistake; names that a spreadsheet would take for a formula begin with an apostrophe."""
    writer = csv.DictWriter(console.file, [field.name for field in dataclasses.fields(Mistake)])
    writer.writeheader()
    for mistake in facts.mistakes:
        writer.writerow({name: guard_cell(cell) for name, cell in dataclasses.asdict(mistake).items()})


def show_mistakes(console: Console, facts: MistakesFacts) -> None:
    """Shows a row for each mistake."""
    rows = [
        (each.id, each.label, each.predicted, f"{each.probability:.1%}", f"{each.label_probability:.1%}")
        for each in facts.mistakes
    ]
    title = f"Run {shorten(facts.run_id)}: most confident mistakes on {facts.images:,} test images"
    columns = ("image", "label", "predicted", "probability", "of the label")
    print_table(console, columns, rows, words=("image", "label", "predicted"), title=title)
