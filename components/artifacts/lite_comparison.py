"""What the LiteConverter writes and how it is read back: `lite.json`, without TFX and TensorFlow."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Literal

import pydantic

from components.artifacts.verdict import Measure

COMPARISON_FILE = "lite.json"
LABELS_FILE = "labels.txt"  # names of the classes, one a line, in the order of the probabilities

VariantName = Literal["saved_model", "float32", "int8"]

FORM_NAMES: Mapping[VariantName, str] = {  # as a person reads them
    "saved_model": "SavedModel",
    "float32": "TFLite float32",
    "int8": "TFLite int8",
}
LITE_NAMES: tuple[VariantName, ...] = ("float32", "int8")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One form of the same model, on the test split."""

    name: VariantName
    file: str | None  # in the folder of `lite.json`; None for the SavedModel, which the Trainer keeps
    size_bytes: int  # of the file, or of all files of the SavedModel
    accuracy: Measure  # 0..1
    difference: Measure | None  # of accuracies on the same images, this minus the SavedModel's; None for itself
    p50_seconds: float  # of a request with one image, the variants timed in turns in one process
    p95_seconds: float
    is_pushed: bool  # beside the SavedModel
    sentence: str  # why it is (not) pushed, with its numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailedModel:
    """A TensorFlow Lite model that could not be made, or does not run; it is not pushed."""

    name: VariantName
    sentence: str  # why


@dataclasses.dataclass(frozen=True, kw_only=True)
class LiteComparison:
    """The forms of one model beside each other."""

    images: int  # of the test split
    margin: float  # accuracy, 0..1: the 95 % interval of the difference has to stay above minus this
    variants: tuple[Variant, ...]  # saved_model, float32, int8; without those that failed
    failed: tuple[FailedModel, ...] = ()

    @property
    def outcomes(self) -> dict[VariantName, str]:
        """Why each TensorFlow Lite model is (not) pushed, by its name."""
        judged: tuple[Variant | FailedModel, ...] = (*self.variants, *self.failed)
        return {lite_model.name: lite_model.sentence for lite_model in judged if lite_model.name in LITE_NAMES}


_COMPARISON = pydantic.TypeAdapter(LiteComparison)


def write_comparison(comparison: LiteComparison, folder: pathlib.Path) -> None:
    """Writes `lite.json`."""
    (folder / COMPARISON_FILE).write_bytes(_COMPARISON.dump_json(comparison, indent=2))


def read_comparison(folder: pathlib.Path) -> LiteComparison:
    """Reads `lite.json`.

    Args:
        folder: Of the LiteConverter's output `lite_models`.

    Returns:
        The comparison.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not what `write_comparison` writes.
    """
    return _COMPARISON.validate_json((folder / COMPARISON_FILE).read_bytes())
