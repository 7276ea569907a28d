"""What a served model is asked: real records of the test split, records that are none, and how often it is timed.

Axes: records, batch, height, width, channels.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from components import features, signatures
from components.serving_validator import probe

BATCH_SIZES = (1, 7, 64)  # the last one is the largest
TIMED_BATCH_SIZES = (1, 32)
SIGNATURES = (signatures.SERVE_EXAMPLES, signatures.SERVE_IMAGES)
PIXELS = "pixels"
SOURCES = {signatures.SERVE_EXAMPLES: probe.RECORDS, signatures.SERVE_IMAGES: PIXELS}

Purpose = Literal["batch", "permuted", "empty", "malformed", "afterwards", "session"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """One request to a signature."""

    signature: str
    purpose: Purpose
    source: str  # what its rows are taken from
    rows: tuple[int, ...]
    batch_size: int = 0  # of the purpose "batch": 1, 7 or 64; the last batch of a size may have fewer rows
    what: str = ""  # of the purpose "malformed": in words
    in_session: bool = False  # of the purpose "session": to the model as TensorFlow Serving loads it; these come last


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
    """Equal requests to a signature, which are timed."""

    signature: str
    source: str
    rows: tuple[int, ...]
    requests: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a served model is asked."""

    records: tuple[bytes, ...]  # serialized tf.Examples, those of the test split before those that are malformed
    arrays: dict[str, np.ndarray]  # "pixels" [records, height, width, channels], and what is no batch of images
    requests: tuple[Request, ...]
    timings: tuple[Timing, ...]


def make_plan(records: Sequence[bytes], pixels: np.ndarray, timed_requests: int) -> Plan:
    """Plans the requests.

    Args:
        records: Serialized tf.Examples; where there are fewer than a batch needs, they are repeated.
        pixels: Their images, uint8 [records, height, width, channels].
        timed_requests: Of each signature and batch size.

    Returns:
        The plan; its first request is a good one.
    """
    order = tuple(row % len(records) for row in range(max(len(records), BATCH_SIZES[-1])))
    spoilt = _spoil_record(records[0], pixels[0])
    wrong = _spoil_images(pixels[:1])
    requests = [request for signature in SIGNATURES for request in _plan_batches(signature, order)]
    requests += _plan_spoilt_records(list(spoilt), len(records))
    requests += _plan_wrong_images(wrong)
    requests += [
        Request(signature=signature, purpose="session", source=source, rows=order[: BATCH_SIZES[-1]], in_session=True)
        for signature, source in SOURCES.items()
    ]
    timings = [
        Timing(signature=signature, source=source, rows=order[:batch_size], requests=timed_requests)
        for signature, source in SOURCES.items()
        for batch_size in TIMED_BATCH_SIZES
    ]
    return Plan(
        records=(*records, *spoilt.values()),
        arrays={PIXELS: pixels, **wrong},
        requests=tuple(requests),
        timings=tuple(timings),
    )


def write_plan(plan: Plan, folder: pathlib.Path) -> None:
    """Writes the files that the fresh process reads."""
    with tf.io.TFRecordWriter(str(folder / probe.RECORDS_FILE)) as writer:
        for record in plan.records:
            writer.write(record)
    np.savez(folder / probe.ARRAYS_FILE, **plan.arrays)
    words = {
        "output": signatures.PROBABILITIES,
        "requests": [dataclasses.asdict(request) for request in plan.requests],
        "timings": [dataclasses.asdict(timing) for timing in plan.timings],
    }
    (folder / probe.PLAN_FILE).write_text(json.dumps(words))


def _plan_batches(signature: str, order: tuple[int, ...]) -> Iterator[Request]:
    source = SOURCES[signature]
    for size in BATCH_SIZES:
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield Request(signature=signature, purpose="batch", source=source, rows=rows, batch_size=size)
    mixed = np.random.default_rng(0).permutation(order[: BATCH_SIZES[-1]]).tolist()
    yield Request(signature=signature, purpose="permuted", source=source, rows=tuple(mixed))
    yield Request(signature=signature, purpose="empty", source=source, rows=())


def _spoil_record(record: bytes, pixels: np.ndarray) -> dict[str, bytes]:
    """Returns, by what is wrong with it, what a tf.Example may come as."""
    image = tf.train.Example.FromString(record).features.feature[features.IMAGE].bytes_list.value[0]
    return {
        "garbage bytes instead of a tf.Example": b"\x07 this is no tf.Example",
        "a tf.Example without an image": _replace_image(record, None),
        "garbage bytes instead of an image": _replace_image(record, b"\x07 this is no image"),
        "an image of 16x16 pixels": _replace_image(record, tf.io.encode_png(pixels[:16, :16]).numpy()),
        "the first half of an image": _replace_image(record, image[: len(image) // 2]),
    }


def _replace_image(record: bytes, image: bytes | None) -> bytes:
    example = tf.train.Example.FromString(record)
    del example.features.feature[features.IMAGE]
    if image is not None:
        example.features.feature[features.IMAGE].bytes_list.value.append(image)
    spoilt: bytes = example.SerializeToString()
    return spoilt


def _spoil_images(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Returns, by what is wrong with it, what a batch of one image may come as."""
    return {
        "images of 16x16 pixels": pixels[:, :16, :16],
        "images of one channel": pixels[..., :1],
        "an image without the batch axis": pixels[0],
        "float32 pixels": pixels.astype(np.float32),
        "int32 pixels": pixels.astype(np.int32),
    }


def _plan_spoilt_records(names: Sequence[str], first: int) -> Iterator[Request]:
    """Sends each alone and between two good ones; a good one alone follows."""
    for row, what in enumerate(names, start=first):
        for rows, words in (((row,), what), ((0, row, 1 % first), f"{what}, between good ones")):
            yield Request(
                signature=signatures.SERVE_EXAMPLES, purpose="malformed", source=probe.RECORDS, rows=rows, what=words
            )
        yield Request(signature=signatures.SERVE_EXAMPLES, purpose="afterwards", source=probe.RECORDS, rows=(0,))


def _plan_wrong_images(wrong: dict[str, np.ndarray]) -> Iterator[Request]:
    for what, array in wrong.items():
        rows = tuple(range(len(array)))
        yield Request(signature=signatures.SERVE_IMAGES, purpose="malformed", source=what, rows=rows, what=what)
        yield Request(signature=signatures.SERVE_IMAGES, purpose="afterwards", source=PIXELS, rows=(0,))
