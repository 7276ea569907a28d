"""What is asked of a served model, and what is made of its answers; no process is started.

Axes: records, classes.
"""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.artifacts.serving_findings import ServingFindings
from components.serving_validator.judge import STRANGERS, Budgets, judge
from components.serving_validator.process import Answers, Death
from components.serving_validator.requests import BATCH_SIZES, SIGNATURES, Plan, make_plan

BUDGETS = Budgets(
    tolerance=1e-5,
    max_batch_1_p50_seconds=0.01,
    max_batch_1_p95_seconds=0.02,
    max_batch_32_p50_seconds=0.1,
    max_batch_32_p95_seconds=0.2,
    max_memory_mib=100,
)
ROUNDING = np.float32(1e-6)


@pytest.fixture(scope="module")
def plan(sample: Any) -> Plan:
    return make_plan(sample.records, sample.pixels, timed_requests=3)


@pytest.fixture(scope="module")
def expected(sample: Any) -> np.ndarray:
    drawn = np.random.default_rng(1).random((len(sample.records), 10), np.float32)
    return drawn / drawn.sum(axis=1, keepdims=True)


@pytest.fixture
def good(plan: Plan, expected: np.ndarray) -> Answers:
    """A model that answers as it must, but for rounding."""
    return Answers(
        answers=tuple(
            "InvalidArgumentError" if request.purpose == "malformed" else expected[list(request.rows)] + ROUNDING
            for request in plan.requests
        ),
        seconds=tuple((0.005,) * 3 for _ in plan.timings),
        load_error=None,
        load_seconds=1.5,
        peak_memory_bytes=90 * 2**20,
        tensorflow_version="2.0",
        modules=frozenset({"sys", "numpy", "tensorflow", "keras"}),
    )


def change(good: Answers, position: int, said: np.ndarray | str) -> Answers:
    """Puts another answer in the place of one."""
    answers = list(good.answers)
    answers[position] = said
    return dataclasses.replace(good, answers=tuple(answers))


def find(plan: Plan, purpose: str, signature: str, *, size: int = 0) -> int:
    """Returns the position of the first such request."""
    return next(
        position
        for position, request in enumerate(plan.requests)
        if (request.purpose, request.signature, request.batch_size) == (purpose, signature, size)
    )


def missed(findings: ServingFindings) -> dict[str, str]:
    """Returns the sentences of what was not passed."""
    return {check.name: check.sentence for check in findings.checks if not check.passed}


def test_the_plan_covers_every_record_in_every_size_of_batch(plan: Plan, sample: Any) -> None:
    for signature in SIGNATURES:
        for size in BATCH_SIZES:
            batches = [r for r in plan.requests if (r.signature, r.batch_size) == (signature, size)]
            assert {row for request in batches for row in request.rows} == set(range(len(sample.records)))
            assert len(batches[0].rows) == size
        assert plan.requests[find(plan, "empty", signature)].rows == ()
        permuted = plan.requests[find(plan, "permuted", signature)].rows
        in_order = plan.requests[find(plan, "batch", signature, size=64)].rows
        assert sorted(permuted) == sorted(in_order)
        assert permuted != in_order


def test_what_is_malformed_is_so_and_a_good_request_follows(plan: Plan, sample: Any) -> None:
    spoilt = plan.records[len(sample.records) :]
    with pytest.raises(Exception, match="Error parsing message"):
        tf.train.Example.FromString(spoilt[0])
    assert "image" not in tf.train.Example.FromString(spoilt[1]).features.feature
    images = [tf.train.Example.FromString(each).features.feature["image"].bytes_list.value[0] for each in spoilt[2:]]
    assert tf.io.decode_image(images[1]).shape == (16, 16, 3)
    for broken in (images[0], images[2]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.io.decode_image(broken)
    purposes = [request.purpose for request in plan.requests]
    last = [following for purpose, following in itertools.pairwise(purposes) if purpose == "malformed"]
    assert last.count("afterwards") == 10
    assert purposes[-2:] == ["session", "session"]
    assert [request.in_session for request in plan.requests] == [purpose == "session" for purpose in purposes]


def test_rounding_is_allowed(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    findings = judge(plan, good, expected, BUDGETS)
    assert findings.is_blessed, findings.reasons
    told = {check.name: check.sentence for check in findings.checks}
    assert (
        "those of serving_default by 1.0e-06 and those of serve_images by 1.0e-06; allowed is 1e-05"
        in (told["equal_to_trainer"])
    )
    assert "for 60 test images" in told["equal_to_trainer"]
    assert (findings.load_seconds, findings.peak_memory_bytes) == (1.5, 90 * 2**20)
    assert [(each.signature, each.batch_size) for each in findings.latencies] == [
        *(("serving_default", 1), ("serving_default", 32)),
        *(("serve_images", 1), ("serve_images", 32)),
    ]


def test_one_probability_that_is_off_is_found(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    position = find(plan, "batch", "serve_images", size=7)
    off = expected[list(plan.requests[position].rows)].copy()
    off[3, 2] += 2e-5
    findings = judge(plan, change(good, position, off), expected, BUDGETS)
    assert set(missed(findings)) == {"equal_to_trainer"}
    assert "those of serve_images by 2.0e-05" in missed(findings)["equal_to_trainer"]


@pytest.mark.parametrize(("purpose", "size"), [("permuted", 0), ("batch", 64), ("batch", 1)])
def test_an_answer_to_another_record_breaks_the_order(
    plan: Plan, good: Answers, expected: np.ndarray, purpose: str, size: int
) -> None:
    position = find(plan, purpose, "serving_default", size=size)
    rows = np.array(plan.requests[position].rows)
    swapped = expected[(rows + 1) % len(expected)] if size == 1 else expected[rows[::-1]]
    findings = judge(plan, change(good, position, swapped), expected, BUDGETS)
    assert "is not kept" in missed(findings)["batch_order"]


def test_a_network_that_answers_all_images_alike_proves_no_order(plan: Plan, good: Answers) -> None:
    alike = np.full((60, 10), 0.1, np.float32)
    answers = tuple(
        said if isinstance(said, str) else alike[list(request.rows)]
        for request, said in zip(plan.requests, good.answers, strict=True)
    )
    findings = judge(plan, dataclasses.replace(good, answers=answers), alike, BUDGETS)
    assert set(missed(findings)) == {"batch_order"}
    assert "cannot be told" in missed(findings)["batch_order"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (np.zeros((1, 7), np.float32), "the answer is float32[1, 7] instead of float32[0, 10]"),
        (np.zeros((0, 10), np.int64), "the answer is int64[0, 10] instead of float32[0, 10]"),
        ("KeyError: 'serve_images'", "KeyError: 'serve_images'"),
    ],
    ids=["shape", "type", "error"],
)
def test_an_empty_batch_needs_an_empty_answer(
    plan: Plan, good: Answers, expected: np.ndarray, said: np.ndarray | str, words: str
) -> None:
    findings = judge(plan, change(good, find(plan, "empty", "serve_images"), said), expected, BUDGETS)
    assert missed(findings) == {"batch_sizes": f"serve_images with 0 images: {words}"}


def test_an_answer_to_garbage_and_silence_after_it_are_found(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    position = find(plan, "malformed", "serving_default")
    answered = change(good, position, expected[:1])
    findings = judge(plan, change(answered, position + 2, "UnavailableError: gone"), expected, BUDGETS)
    assert missed(findings) == {
        "malformed_records": (
            "got an answer and not an error: garbage bytes instead of a tf.Example (serving_default)"
        ),
        "recovery": "of 10 good requests right after a malformed one, 1 did not get their answer",
    }


def test_a_timing_beyond_its_budget_is_named_with_its_numbers(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    slow = dataclasses.replace(good, seconds=((0.005,) * 3, (0.09, 0.09, 0.3), (0.005,) * 3, (0.09,) * 3))
    findings = judge(plan, slow, expected, BUDGETS)
    assert missed(findings) == {
        "latency": "half of the requests with 32 images to serving_default take up to 90.0 milliseconds, "
        "95 % up to 279.0; allowed are 100.0 and 200.0"
    }
    unanswered = dataclasses.replace(good, seconds=((0.005,) * 3, (), (0.005,) * 3, (0.09,) * 3))
    told = missed(judge(plan, unanswered, expected, BUDGETS))
    assert told == {"latency": "of 4 sorts of requests to be timed, 1 got no answer"}


def test_other_variables_than_python_finds_are_found(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    position = find(plan, "session", "serve_images")
    findings = judge(plan, change(good, position, np.zeros((64, 10), np.float32)), expected, BUDGETS)
    assert set(missed(findings)) == {"session"}
    findings = judge(plan, change(good, position, "FailedPreconditionError: no value"), expected, BUDGETS)
    assert missed(findings) == {
        "session": "loaded without Python objects, as TensorFlow Serving does: serve_images: FailedPreconditionError: "
        "no value; allowed is 1e-05"
    }


def test_too_much_memory_is_rejected(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    findings = judge(plan, dataclasses.replace(good, peak_memory_bytes=101 * 2**20), expected, BUDGETS)
    assert missed(findings) == {"memory": "the fresh process needs 101 MiB at most; allowed are 100"}


@pytest.mark.parametrize("stranger", sorted(STRANGERS))
def test_a_model_that_needs_more_than_tensorflow_is_rejected(
    plan: Plan, good: Answers, expected: np.ndarray, stranger: str
) -> None:
    findings = judge(plan, dataclasses.replace(good, modules=good.modules | {stranger}), expected, BUDGETS)
    assert missed(findings) == {"isolation": f"the fresh process imported {stranger}, which a server has not"}


def test_a_death_is_told_alone_and_docker_has_its_say(plan: Plan, good: Answers, expected: np.ndarray) -> None:
    dead = judge(plan, Death("it died"), expected, BUDGETS, is_served_by_docker=True)
    assert [(check.name, check.passed) for check in dead.checks] == [("process", False), ("docker", True)]
    assert dead.reasons == ("it died",)
    assert set(missed(judge(plan, good, expected, BUDGETS, is_served_by_docker=False))) == {"docker"}
    assert judge(plan, good, expected, BUDGETS, is_served_by_docker=True).is_blessed
