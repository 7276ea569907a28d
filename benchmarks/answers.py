"""Which images a network got right, as a result file holds it: a bit an image, in the order of the records."""

import base64

import numpy as np


def pack_answers(correct: np.ndarray) -> str:
    """Writes bool [images] in base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def unpack_answers(text: str, images: int) -> np.ndarray:
    """Reads bool [images] again."""
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=images).astype(bool)
