"""Compares the answers of a served model with the Trainer's own network, and checks its errors.

Axes: records, batch, classes.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from components.artifacts.serving_findings import Check
from components.serving_validator.requests import BATCH_SIZES, SIGNATURES, Plan, Purpose, Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Reply:
    """A request, its answer, and the expected one."""

    request: Request
    answer: np.ndarray | str  # [batch, classes], or the error
    expected: np.ndarray  # float32 [batch, classes]; empty for a malformed request

    @property
    def error(self) -> str | None:
        """The error, or the shape or type that is wrong."""
        if isinstance(self.answer, str):
            return self.answer
        if self.answer.shape != self.expected.shape or not np.issubdtype(self.answer.dtype, np.floating):
            wanted = f"{self.expected.dtype}{list(self.expected.shape)}"
            return f"the answer is {self.answer.dtype}{list(self.answer.shape)} instead of {wanted}"
        return None

    @property
    def probabilities(self) -> np.ndarray:
        """The answer, float64 [batch, classes]; NaN if it is an error."""
        return np.full(self.expected.shape, np.nan) if self.error else np.asarray(self.answer, np.float64)

    @property
    def deviation(self) -> float:
        """The largest difference from the expected probabilities."""
        return _measure_difference(self.probabilities, self.expected)


def judge_answers(
    plan: Plan, answers: Sequence[np.ndarray | str], expected: np.ndarray, tolerance: float
) -> list[Check]:
    """Judges the answers of both signatures.

    Args:
        plan: The requests.
        answers: To each request.
        expected: The Trainer's own probabilities of the records, float32 [records, classes].
        tolerance: Largest allowed difference of a probability.
    """
    replies = [
        _Reply(
            request=request,
            answer=answer,
            expected=expected[:0] if request.purpose == "malformed" else expected[list(request.rows)],
        )
        for request, answer in zip(plan.requests, answers, strict=True)
    ]

    def select(*purposes: Purpose) -> list[_Reply]:
        return [reply for reply in replies if reply.request.purpose in purposes]

    return [
        _judge_sizes(select("batch", "empty")),
        _judge_parity(select("batch"), tolerance),
        _judge_session(select("session"), tolerance),
        _judge_malformed(select("malformed")),
    ]


def _judge_sizes(replies: list[_Reply]) -> Check:
    errors = sorted(
        {
            f"{each.request.signature} with {len(each.request.rows)} images: {each.error}"
            for each in replies
            if each.error
        }
    )
    sizes = ", ".join(map(str, BATCH_SIZES))
    passed = f"batches of {sizes} and no images get a probability for each class and image"
    return Check(name="batch_sizes", passed=not errors, message="; ".join(errors) or passed)


def _judge_parity(replies: list[_Reply], tolerance: float) -> Check:
    """Judges images alone and in batches, where the order counts, too."""
    worst = {name: max(each.deviation for each in replies if each.request.signature == name) for name in SIGNATURES}
    differences = " and ".join(f"{_format(value)} ({signature})" for signature, value in worst.items())
    records = len({row for each in replies for row in each.request.rows})
    return Check(
        name="equal_to_trainer",
        passed=all(value <= tolerance for value in worst.values()),
        message=f"the probabilities of {records} test images differ from those of the Trainer's own network by up to "
        f"{differences}; the tolerance is {tolerance:g}",
    )


def _judge_session(replies: list[_Reply], tolerance: float) -> Check:
    """Judges the model as TensorFlow Serving loads it, which may find other variables than Python does."""
    errors = [f"{each.request.signature}: {each.error}" for each in replies if each.error]
    worst = max(each.deviation for each in replies)
    outcome = "; ".join(errors) or f"the probabilities differ from the Trainer's by up to {_format(worst)}"
    return Check(
        name="session",
        passed=worst <= tolerance,
        message=f"loaded without Python objects, as by TensorFlow Serving: {outcome}; the tolerance is {tolerance:g}",
    )


def _judge_malformed(replies: list[_Reply]) -> Check:
    accepted = [
        f"{each.request.flaw} ({each.request.signature})" for each in replies if not isinstance(each.answer, str)
    ]
    message = (
        f"accepted without an error: {'; '.join(accepted)}" if accepted else "every malformed request gets an error"
    )
    return Check(name="malformed_records", passed=not accepted, message=message)


def _measure_difference(probabilities: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference; infinite if a probability is no finite number."""
    differences = np.abs(probabilities - expected)
    return float(np.nan_to_num(differences, nan=np.inf, posinf=np.inf).max(initial=0.0))


def _format(difference: float) -> str:
    return f"{difference:.1e}" if np.isfinite(difference) else "infinity (an error, or no finite number)"
