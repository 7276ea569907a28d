"""Writes predictions: a table for people, CSV and JSON for programs."""

import contextlib
import csv
import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console

from components.csv_text import guard_cell
from pipeline.files import write_whole
from pipeline.inspection.layout import print_table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """The most probable classes of an image."""

    image: str  # the file
    classes: Mapping[str, float]  # probabilities by name, the largest first
    note: str  # how the image was changed; "": not at all


def write_predictions(
    predictions: Sequence[Prediction],
    failures: Mapping[str, str],
    model: pathlib.Path,
    *,
    top: int,
    form: str | None,
    output: pathlib.Path | None,
) -> None:
    """Writes the predictions of all images.

    Args:
        predictions: Of the images that could be read.
        failures: Why the others could not be read, by name.
        model: Its folder.
        top: Number of classes.
        form: "table", "csv" or "json"; None: by the suffix of the output, else a table.
        output: File; None: stdout.
    """
    with contextlib.ExitStack() as stack:
        stream = sys.stdout
        if output:
            stream = stack.enter_context(stack.enter_context(write_whole(output)).open("w", encoding="utf-8"))
        match form or (output and output.suffix):
            case "csv" | ".csv":
                _write_csv(stream, predictions, top)
            case "json" | ".json":
                _write_json(stream, predictions, failures, str(model))
            case _:
                _write_table(stream, predictions, top)


def _write_table(stream: TextIO, predictions: Sequence[Prediction], top: int) -> None:
    """Writes a table with a column for each of the `top` classes."""
    columns = ["image", *(f"{rank}." for rank in range(1, top + 1)), "note"]
    rows = [
        (each.image, *(f"{name} {probability:.1%}" for name, probability in each.classes.items()), each.note)
        for each in predictions
    ]
    print_table(Console(file=stream), columns, rows, words=columns)


def _write_csv(stream: TextIO, predictions: Sequence[Prediction], top: int) -> None:
    """Writes a row for each image, with columns for each of the `top` classes; no name becomes a formula."""
    writer = csv.writer(stream, lineterminator="\n")
    ranks = [name for rank in range(1, top + 1) for name in (f"class_{rank}", f"probability_{rank}")]
    writer.writerow(["image", *ranks, "note"])
    for each in predictions:
        cells = (each.image, *(cell for choice in each.classes.items() for cell in choice), each.note)
        writer.writerow(map(guard_cell, cells))


def _write_json(stream: TextIO, predictions: Sequence[Prediction], failures: Mapping[str, str], model: str) -> None:
    """Writes an object with the predictions, and the reasons why other images have none."""
    images = []
    for each in predictions:
        classes = [{"class": name, "probability": probability} for name, probability in each.classes.items()]
        images.append({"image": each.image, "classes": classes, "note": each.note})
    failed = [{"image": image, "reason": reason} for image, reason in failures.items()]
    json.dump({"model": model, "images": images, "failures": failed}, stream, indent=2)
    stream.write("\n")
