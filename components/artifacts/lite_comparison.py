"""A model's SavedModel and TensorFlow Lite models: size and speed (`conversion.json`), then accuracy (`lite.json`)."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Literal

import pydantic

from components.artifacts.verdict import Measure

COMPARISON_FILE = "lite.json"  # in the Evaluator's output `verdict`
CONVERSION_FILE = "conversion.json"  # in the LiteConverter's output `lite_models`
LABELS_FILE = "labels.txt"  # beside it: names of the classes, one per line, in the order of the probabilities

VariantName = Literal["saved_model", "float32", "int8"]

FORM_NAMES: Mapping[VariantName, str] = {  # for display
    "saved_model": "SavedModel",
    "float32": "TFLite float32",
    "int8": "TFLite int8",
}
LITE_NAMES: tuple[VariantName, ...] = ("float32", "int8")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """One form of a model: its size and speed."""

    name: VariantName
    file: str | None  # in the LiteConverter's output; None for the SavedModel, which the Trainer keeps
    size_bytes: int  # of the file, or of all files of the SavedModel
    p50_seconds: float  # of a request with one image; all forms are timed in turns in one process
    p95_seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailedModel:
    """A TensorFlow Lite model that cannot be converted or does not run; it is not pushed."""

    name: VariantName
    message: str  # why


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conversion:
    """What the LiteConverter makes of a model."""

    forms: tuple[Form, ...]  # saved_model, float32, int8; without those that failed
    failed: tuple[FailedModel, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Files of the TensorFlow Lite models by name."""
        return {form.name: form.file for form in self.forms if form.file}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant(Form):
    """One form of a model and its accuracy on the test split."""

    accuracy: Measure  # 0..1
    difference: Measure | None  # of accuracies on the same images, this form minus SavedModel; None for SavedModel
    is_pushed: bool  # beside the SavedModel
    message: str  # why it is (not) pushed, with its numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class LiteComparison:
    """The forms of one model side by side."""

    images: int  # of the test split
    margin: float  # accuracy, 0..1: the 95% interval of the difference must stay above minus this
    variants: tuple[Variant, ...]  # saved_model, float32, int8; without those that failed
    failed: tuple[FailedModel, ...] = ()

    @property
    def outcomes(self) -> dict[VariantName, str]:
        """Why each TensorFlow Lite model is (not) pushed, by its name."""
        judged: tuple[Variant | FailedModel, ...] = (*self.variants, *self.failed)
        return {lite_model.name: lite_model.message for lite_model in judged if lite_model.name in LITE_NAMES}


_CONVERSION = pydantic.TypeAdapter(Conversion)
_COMPARISON = pydantic.TypeAdapter(LiteComparison)


def encode_conversion(conversion: Conversion) -> bytes:
    """Returns the content of `conversion.json`."""
    return _CONVERSION.dump_json(conversion, indent=2)


def decode_conversion(content: bytes) -> Conversion:
    """Reads the content of `conversion.json`; raises ValueError if it is anything else."""
    return _CONVERSION.validate_json(content)


def encode_comparison(comparison: LiteComparison) -> bytes:
    """Returns the content of `lite.json`."""
    return _COMPARISON.dump_json(comparison, indent=2)


def read_comparison(folder: pathlib.Path) -> LiteComparison | None:
    """Reads `lite.json`.

    Args:
        folder: Of the Evaluator's output `verdict`.

    Returns:
        The comparison; None if the Evaluator had no TensorFlow Lite models.

    Raises:
        ValueError: If `encode_comparison` did not write it.
    """
    file = folder / COMPARISON_FILE
    return _COMPARISON.validate_json(file.read_bytes()) if file.exists() else None
