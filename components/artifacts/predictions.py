"""The predictions of the models on the test split: Parquet files in the Evaluator's output `verdict`.

Axes: images, classes.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PREDICTIONS_PREFIX = "predictions"  # of the files' names; Beam adds a number to each

MODELS = ("candidate", "baseline", "float32", "int8")

_BATCH_SIZE = 4096  # images that are read at once


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predictions:
    """What each model predicts for some images of the test split."""

    ids: np.ndarray  # str [images]
    labels: np.ndarray  # int64 [images]
    brightness_quartile: np.ndarray  # int64 [images], 0..3
    contrast_quartile: np.ndarray  # int64 [images], 0..3
    candidate: np.ndarray  # float32 [images, classes], probabilities; the same of the following
    baseline: np.ndarray | None = None  # the last blessed model
    float32: np.ndarray | None = None  # the candidate's TensorFlow Lite models
    int8: np.ndarray | None = None

    @property
    def models(self) -> dict[str, np.ndarray]:
        """The probabilities of each model by its name."""
        return {name: found for name in MODELS if (found := getattr(self, name)) is not None}

    def is_right(self, model: str = "candidate") -> np.ndarray:
        """Returns whether a model predicts the label of each image, bool [images]."""
        right: np.ndarray = self.models[model].argmax(axis=1) == self.labels
        return right


def make_schema(models: Iterable[str]) -> pa.Schema:
    """Returns the columns of the files, given the names of the models."""
    numbers = ("labels", "brightness_quartile", "contrast_quartile")
    return pa.schema(
        [("ids", pa.string())]
        + [(name, pa.int64()) for name in numbers]
        + [(name, pa.list_(pa.float32())) for name in models]
    )


def to_table(predictions: Predictions) -> pa.Table:
    """Returns predictions as rows of the files."""
    schema = make_schema(predictions.models)
    columns = {name: getattr(predictions, name) for name in schema.names}
    return pa.table({name: list(column) for name, column in columns.items()}, schema=schema)


def stream_predictions(folder: pathlib.Path) -> Iterator[Predictions]:
    """Reads predictions batch by batch, so that memory does not grow with the test split.

    Args:
        folder: Of the Evaluator's output `verdict`.

    Yields:
        Predictions of at most 4,096 images; Beam writes them in any order.

    Raises:
        FileNotFoundError: If there are none.
    """
    files = sorted(folder.glob(f"{PREDICTIONS_PREFIX}*.parquet"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no {PREDICTIONS_PREFIX}*.parquet")
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(_BATCH_SIZE):
            yield Predictions(**dict(zip(batch.schema.names, map(_to_numpy, batch), strict=True)))


def read_right(folder: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads for which images the candidate predicts the label.

    Args:
        folder: Of the Evaluator's output `verdict`.

    Returns:
        Ids, str [images], in alphabetical order; whether each is right, bool [images].

    Raises:
        FileNotFoundError: If there are no predictions.
    """
    batches = [(batch.ids, batch.is_right()) for batch in stream_predictions(folder)]
    ids, right = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    order = ids.argsort()
    return ids[order], right[order]


def _to_numpy(column: pa.Array) -> np.ndarray:
    if isinstance(column, pa.ListArray):
        return column.flatten().to_numpy().reshape(len(column), -1)  # [images, classes]
    return np.array(column.to_pylist()) if pa.types.is_string(column.type) else column.to_numpy()
