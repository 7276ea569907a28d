"""The requests to a served model, and the judgment of its answers; no process is started.

Axes: records, classes.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest

from components.serving_validator.judge import judge
from components.serving_validator.process import Outcome
from components.serving_validator.requests import BATCH_SIZES, SIGNATURES, Plan, make_plan
from pipeline.config import QUICK

from .conftest import list_missed

CONFIG = QUICK.serving
LIMIT_BYTES = CONFIG.max_memory_mib * 2**20
ROUNDING = np.float32(1e-6)


@pytest.fixture(scope="module")
def plan(sample: Any) -> Plan:
    return make_plan(sample.records, sample.pixels, timed_requests=3)


@pytest.fixture(scope="module")
def expected(sample: Any) -> np.ndarray:
    drawn = np.random.default_rng(1).random((len(sample.records), 10), np.float32)
    return drawn / drawn.sum(axis=1, keepdims=True)


@pytest.fixture
def good(plan: Plan, expected: np.ndarray) -> Outcome:
    """A model that answers correctly but for rounding."""
    return Outcome(
        answers=[
            "InvalidArgumentError" if request.purpose == "malformed" else expected[list(request.rows)] + ROUNDING
            for request in plan.requests
        ],
        seconds=[[0.005] * 3 for _ in plan.timings],
        load_error=None,
        load_seconds=1.5,
        peak_memory_bytes=LIMIT_BYTES,
        tensorflow_version="2.0",
    )


def find(plan: Plan, purpose: str, signature: str, size: int) -> int:
    """Returns the position of the first such request."""
    return next(
        position
        for position, request in enumerate(plan.requests)
        if (request.purpose, request.signature, len(request.rows)) == (purpose, signature, size)
    )


def test_the_plan_covers_every_record_in_every_batch_size(plan: Plan) -> None:
    for signature in SIGNATURES:
        rows = [each.rows for each in plan.requests if (each.signature, each.purpose) == (signature, "batch")]
        for size in BATCH_SIZES:
            assert {row for each in rows if len(each) == size for row in each} >= set(range(size if size < 60 else 60))
        assert sum(len(each) for each in rows) == 3 * 64
    purposes = [request.purpose for request in plan.requests]
    assert purposes.count("malformed") == 13  # the end-to-end test proves by a real model that all of them are
    assert (purposes[0], *purposes[-2:]) == ("batch", "session", "session")


def test_rounding_and_the_limits_themselves_are_allowed(plan: Plan, good: Outcome, expected: np.ndarray) -> None:
    findings = judge(plan, good, expected, CONFIG)
    assert findings.is_blessed, findings.reasons
    parity = next(check.message for check in findings.checks if check.name == "equal_to_trainer")
    assert "60 test images" in parity
    assert "1.0e-06 (serving_default) and 1.0e-06 (serve_images); the tolerance is 1e-05" in parity
    assert (findings.load_seconds, findings.peak_memory_bytes) == (1.5, LIMIT_BYTES)
    assert [(each.signature, each.batch_size) for each in findings.latencies] == [
        (signature, size) for signature in SIGNATURES for size in (1, 32)
    ]


_ZEROS = np.zeros((64, 10), np.float32)
_WRONG = "equal_to_trainer"


@pytest.mark.parametrize(
    ("request_", "answer", "missed", "words"),
    [
        ("batch serve_images 7", lambda right: right + 2 * np.float32(1e-5), _WRONG, "2.1e-05 (serve_images)"),
        ("batch serving_default 64", lambda right: right[::-1], _WRONG, "(serving_default)"),
        ("batch serving_default 1", lambda right: right[:, ::-1], _WRONG, "(serving_default)"),
        ("empty serve_images 0", lambda _: _ZEROS[:1], "batch_sizes", "is float32[1, 10] instead of float32[0, 10]"),
        ("empty serve_images 0", lambda _: np.zeros((0, 10), int), "batch_sizes", "0 images: the answer is int64"),
        ("empty serve_images 0", lambda _: "KeyError: 'a'", "batch_sizes", "with 0 images: KeyError: 'a'"),
        ("malformed serving_default 1", lambda _: _ZEROS[:1], "malformed_records", "error: garbage bytes instead"),
        ("session serve_images 64", lambda _: _ZEROS, "session", "the probabilities differ from the Trainer's"),
        ("session serve_images 64", lambda _: "No value", "session", "serve_images: No value; the tolerance"),
    ],
)
def test_one_wrong_answer_fails_its_checks(
    plan: Plan, good: Outcome, expected: np.ndarray, request_: str, answer: Any, missed: str, words: str
) -> None:
    purpose, signature, size = request_.split()
    position = find(plan, purpose, signature, int(size))
    good.answers[position] = answer(good.answers[position])
    found = list_missed(judge(plan, good, expected, CONFIG))
    assert sorted(found) == missed.split()
    assert words in "; ".join(found.values())


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        (
            {"seconds": [[0.005] * 3, [0.9, 0.9, 1.5], [0.005] * 3, [0.09] * 3]},
            "latency",
            "requests of 32 to serving_default take 900.0 ms (median) and 1,440.0 ms (95th percentile), more than the "
            "limits of 500.0 and 1,000.0 ms",
        ),
        ({"seconds": [[], *[[0.005] * 3] * 3]}, "latency", "1 of 4 kinds of timed requests failed"),
        (
            {"peak_memory_bytes": LIMIT_BYTES + 2**20},
            "memory",
            "the serving process needs up to 1,537 MiB; the limit is 1,536 MiB",
        ),
    ],
    ids=["slow", "unanswered", "memory"],
)
def test_a_limit_that_is_exceeded_is_named_with_its_numbers(
    plan: Plan, good: Outcome, expected: np.ndarray, changes: dict[str, Any], check: str, words: str
) -> None:
    assert list_missed(judge(plan, dataclasses.replace(good, **changes), expected, CONFIG)) == {check: words}


def test_a_dead_process_is_the_only_reason(plan: Plan, expected: np.ndarray) -> None:
    dead = judge(plan, "it died", expected, CONFIG)
    assert {check.name: check.passed for check in dead.checks} == {"process": False}
    assert dead.reasons == ("it died",)
