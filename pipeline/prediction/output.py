"""How answers are written: a table for people, CSV and JSON for programs."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TextIO

from rich.console import Console

from pipeline.inspection.layout import print_table
from pipeline.prediction.answers import Answer
from pipeline.prediction.files import Rejection

Format = Literal["table", "csv", "json"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json")


def write_answers(
    form: Format, stream: TextIO, answers: Iterable[Answer], rejections: Sequence[Rejection], *, model: str, top: int
) -> None:
    """Writes answers as they come; a table when all have come.

    Args:
        form: How.
        stream: Where.
        answers: An image each.
        rejections: Grows while the answers come.
        model: Folder of the model that gives them.
        top: Choices of each.
    """
    if form == "table":
        _write_table(stream, answers)
    elif form == "csv":
        _write_csv(stream, answers, top)
    else:
        _write_json(stream, answers, rejections, model)


def _write_table(stream: TextIO, answers: Iterable[Answer]) -> None:
    rows = [
        (answer.image, *([f"{choice.name} {choice.probability:.1%}" for choice in answer.choices]), answer.note)
        for answer in answers
    ]
    if not rows:
        return
    has_notes = any(row[-1] for row in rows)
    columns = ["image", *(f"{rank}." for rank in range(1, len(rows[0]) - 1)), *(["note"] if has_notes else [])]
    print_table(Console(file=stream), columns, (row[: len(columns)] for row in rows), words=("image", "note"))


def _write_csv(stream: TextIO, answers: Iterable[Answer], top: int) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    ranks = [name for rank in range(1, top + 1) for name in (f"class_{rank}", f"probability_{rank}")]
    writer.writerow(["image", *ranks, "note"])
    for answer in answers:
        choices = [cell for choice in answer.choices for cell in (choice.name, choice.probability)]
        writer.writerow([answer.image, *choices, answer.note])


def _write_json(stream: TextIO, answers: Iterable[Answer], rejections: Sequence[Rejection], model: str) -> None:
    """Writes an object with a line for each image."""
    stream.write(f'{{"model": {json.dumps(model)},\n"images": [')
    separator = "\n"
    for answer in answers:
        stream.write(separator + json.dumps(_describe(answer)))
        separator = ",\n"
    failures = [{"image": rejection.name, "reason": rejection.reason} for rejection in rejections]
    stream.write(f'],\n"failures": {json.dumps(failures)}}}\n')


def _describe(answer: Answer) -> dict[str, Any]:
    choices = [{"class": choice.name, "probability": choice.probability} for choice in answer.choices]
    return {"image": answer.image, "classes": choices, "note": answer.note}
