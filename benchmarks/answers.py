"""Which images a network got right, as a result file holds it: a bit an image, in the order of the records."""

import base64
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pydantic

from benchmarks.result import Row
from components.trainer.search.selection import Candidate
from models.vit_config import ViTConfig

_NETWORK = pydantic.TypeAdapter(ViTConfig)


def pack_answers(correct: np.ndarray) -> str:
    """Writes bool [images] in base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def unpack_answers(text: str, images: int) -> np.ndarray:
    """Reads bool [images] again."""
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=images).astype(bool)


def gather_candidate(rows: Sequence[Row], split: Literal["valid", "test"]) -> Candidate:
    """Reads what the trainings of one point, a row each, got right on a split."""
    correct = [unpack_answers(row[f"{split}_correct"], row[f"{split}_images"]) for row in rows]
    return Candidate(network=_NETWORK.validate_python(rows[0]["network"]), correct=np.stack(correct))
