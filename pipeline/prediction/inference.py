"""Classifies records in batches with Beam's RunInference; records that the model rejects get a line with an error."""

import pathlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler

from pipeline.prediction.model import Model, rank_classes
from pipeline.prediction.records import Record

_BATCH_SIZE = 256  # records; their images are small

Line = dict[str, Any]  # to be written as JSON


class RecordHandler(ModelHandler[Record, Line, Model]):
    """Returns a line for each record.

    TFX's own RunInference (of tfx_bsl, in its BulkInferrer) fails as a whole where one record is damaged.

    Args:
        model: Folder of a SavedModel, as the workers see it.
    """

    def __init__(self, model: str) -> None:
        super().__init__(min_batch_size=_BATCH_SIZE, max_batch_size=_BATCH_SIZE)
        self.model = model

    def load_model(self) -> Model:
        """Loads the model, once for each process."""
        return Model(pathlib.Path(self.model))

    def run_inference(self, batch: Sequence[Record], model: Model, _: object = None) -> list[Line]:
        """Returns the lines of a batch."""
        unreadable = [_describe(record, error=record.error) for record in batch if record.error]
        return [*classify([record for record in batch if not record.error], model), *unreadable]


def classify(batch: Sequence[Record], model: Model) -> list[Line]:
    """Classifies a batch; if the model rejects it, each half by itself, down to the single records that it rejects."""
    try:
        rows = model.classify([record.example for record in batch])
    except tf.errors.OpError:
        if len(batch) == 1:
            return [_describe(batch[0], error=batch[0].find_flaw())]
        middle = len(batch) // 2
        return [*classify(batch[:middle], model), *classify(batch[middle:], model)]
    lines = []
    for record, row in zip(batch, rows, strict=True):
        probabilities = rank_classes(row, model.task.class_names)
        name, probability = next(iter(probabilities.items()))
        lines.append(_describe(record, **{"class": name}, probability=probability, probabilities=probabilities))
    return lines


def has_error(line: Line, _: int) -> int:
    """Returns 1 for the line of a record that could not be classified, else 0."""
    return int("error" in line)


def _describe(record: Record, **facts: Any) -> Line:
    return {"id": record.id, "file": record.file, "record": record.position, **facts}
