"""The requests that a served model gets: real records of the test split, malformed ones, and timed ones.

Axes: records, batch, height, width, channels.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from components import features, signatures

BATCH_SIZES = (1, 7, 64)  # the last one is the largest
TIMED_BATCH_SIZES = (1, 32)
SIGNATURES = (signatures.SERVE_EXAMPLES, signatures.SERVE_IMAGES)

Purpose = Literal["batch", "empty", "malformed", "session", "timed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """One request to a signature, which is also the name of the array with its good inputs."""

    signature: str
    purpose: Purpose
    source: str  # array that its rows are taken from
    rows: tuple[int, ...]
    flaw: str = ""  # of a malformed request, in words


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """All requests, and the arrays with their inputs."""

    arrays: dict[str, np.ndarray]  # serialized tf.Examples; images [records, height, width, channels]; malformed images
    requests: list[Request]  # those of the purpose "session" are the last ones
    timings: list[Request]
    timed_requests: int  # repetitions of each timing


def make_plan(records: Sequence[bytes], pixels: np.ndarray, timed_requests: int) -> Plan:
    """Plans the requests; the first one is a good one.

    Args:
        records: Serialized tf.Examples; if there are fewer than a batch needs, they are repeated.
        pixels: Their images, uint8 [records, height, width, channels].
        timed_requests: Per signature and batch size.
    """
    order = tuple(row % len(records) for row in range(max(len(records), BATCH_SIZES[-1])))
    bad_records = _make_bad_records(records[0])
    bad_images = _make_bad_images(pixels[:1])

    def plan(purpose: Purpose, *sizes: int) -> list[Request]:
        return [
            Request(signature=signature, purpose=purpose, source=signature, rows=order[:size])
            for signature in SIGNATURES
            for size in sizes
        ]

    return Plan(
        arrays={
            signatures.SERVE_EXAMPLES: np.array([*records, *bad_records.values()], object),
            signatures.SERVE_IMAGES: pixels,
            **bad_images,
        },
        requests=[
            *(request for signature in SIGNATURES for request in _plan_batches(signature, order)),
            *plan("empty", 0),
            *_plan_bad_records(list(bad_records), len(records)),
            *_plan_bad_images(bad_images),
            *plan("session", BATCH_SIZES[-1]),
        ],
        timings=plan("timed", *TIMED_BATCH_SIZES),
        timed_requests=timed_requests,
    )


def _plan_batches(signature: str, order: tuple[int, ...]) -> Iterator[Request]:
    for size in BATCH_SIZES:
        for start in range(0, len(order), size):
            yield Request(signature=signature, purpose="batch", source=signature, rows=order[start : start + size])


def _make_bad_records(record: bytes) -> dict[str, bytes]:
    """Returns malformed tf.Examples by their flaw."""
    image = tf.train.Example.FromString(record).features.feature[features.IMAGE].bytes_list.value[0]
    return {
        "garbage bytes instead of a tf.Example": b"\x07 this is no tf.Example",
        "a tf.Example without an image": _replace_image(record),
        "garbage bytes instead of an image": _replace_image(record, b"\x07 this is no image"),
        "the first half of an image": _replace_image(record, image[: len(image) // 2]),
    }


def _replace_image(record: bytes, *image: bytes) -> bytes:
    example = tf.train.Example.FromString(record)
    example.features.feature[features.IMAGE].bytes_list.value[:] = image
    if not image:
        del example.features.feature[features.IMAGE]
    replaced: bytes = example.SerializeToString()
    return replaced


def _make_bad_images(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Returns malformed batches of one image by their flaw."""
    half = pixels.shape[1] // 2
    return {
        f"images of {half}x{half} pixels": pixels[:, :half, :half],
        "images of one channel": pixels[..., :1],
        "an image without the batch axis": pixels[0],
        "float32 pixels": pixels.astype(np.float32),
        "int32 pixels": pixels.astype(np.int32),
    }


def _plan_bad_records(flaws: Sequence[str], first: int) -> Iterator[Request]:
    """Sends each by itself and between two good ones."""
    signature = signatures.SERVE_EXAMPLES
    for row, flaw in enumerate(flaws, start=first):
        for rows, words in (((row,), flaw), ((0, row, 1 % first), f"{flaw}, between good ones")):
            yield Request(signature=signature, purpose="malformed", source=signature, rows=rows, flaw=words)


def _plan_bad_images(bad_images: dict[str, np.ndarray]) -> Iterator[Request]:
    signature = signatures.SERVE_IMAGES
    for flaw, array in bad_images.items():
        rows = tuple(range(len(array)))
        yield Request(signature=signature, purpose="malformed", source=flaw, rows=rows, flaw=flaw)
