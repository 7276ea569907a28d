"""How Beam's RunInference asks a model: in batches, from which it sorts out the records that a model rejects."""

import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler

from components import features
from pipeline.prediction.answers import rank, shorten
from pipeline.prediction.model import Model
from pipeline.prediction.records import Record, find_flaw

_BATCH_SIZE = 256  # records; their images are small

Line = dict[str, Any]  # to be written as JSON


class RecordHandler(ModelHandler[Record, Line, Model]):
    """Answers each record with a line; one that the model rejects with a line that has an "error".

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

    def run_inference(
        self, batch: Sequence[Record], model: Model, inference_args: dict[str, Any] | None = None
    ) -> Iterable[Line]:
        """Answers a batch, in its order."""
        del inference_args
        return answer(batch, model)

    def get_num_bytes(self, batch: Sequence[Record]) -> int:
        """Tells Beam's metrics how much a batch holds."""
        return sum(len(record.example) for record in batch)


def answer(batch: Sequence[Record], model: Model) -> list[Line]:
    """Answers a batch; where the model rejects it, each half by itself, down to the records that it rejects."""
    try:
        probabilities = model.classify([record.example for record in batch])
    except tf.errors.OpError:
        if len(batch) == 1:
            return [{**_locate(batch[0]), "error": find_flaw(batch[0].example)}]
        middle = len(batch) // 2
        return [*answer(batch[:middle], model), *answer(batch[middle:], model)]
    lines = []
    for record, row in zip(batch, probabilities, strict=True):
        [best] = rank(row, 1)
        named = {name: shorten(value) for name, value in zip(features.CLASS_NAMES, row, strict=True)}
        lines.append({**_locate(record), "class": best.name, "probability": best.probability, "probabilities": named})
    return lines


def count_flaws(record: Record, _: int) -> int:
    """Returns 0 for a record that could be read, 1 for another."""
    return int(bool(record.flaw))


def count_errors(line: Line, _: int) -> int:
    """Returns 0 for a line that answers, 1 for one that tells why not."""
    return int("error" in line)


def describe_unreadable(record: Record) -> Line:
    """Returns the line of a record behind which a file cannot be read."""
    return {**_locate(record), "error": record.flaw}


def _locate(record: Record) -> Line:
    return {"id": record.id, "file": record.file, "record": record.position}
