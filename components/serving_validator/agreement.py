"""Judges what a served model answered: like the trainer's own network, in order, and nothing to what is no record.

Axes: records, batch, classes.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from components.artifacts.serving_findings import Check
from components.serving_validator.requests import BATCH_SIZES, SIGNATURES, Plan, Purpose, Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """A request, its answer, and what the trainer's own network answers."""

    request: Request
    answer: np.ndarray | str  # [batch, classes], or the error
    expected: np.ndarray  # float32 [batch, classes]; means nothing where the request is malformed

    @property
    def fault(self) -> str | None:
        """What makes it no answer: an error, or another shape; None: it is one."""
        if isinstance(self.answer, str):
            return self.answer
        if self.answer.shape != self.expected.shape or not np.issubdtype(self.answer.dtype, np.floating):
            wanted = f"{self.expected.dtype}{list(self.expected.shape)}"
            return f"the answer is {self.answer.dtype}{list(self.answer.shape)} instead of {wanted}"
        return None

    @property
    def deviation(self) -> float:
        """The largest difference of a probability from the trainer's own; infinite if it is no answer."""
        return np.inf if self.fault or isinstance(self.answer, str) else _differ(self.answer, self.expected)


def collect(plan: Plan, answers: Sequence[np.ndarray | str], expected: np.ndarray) -> tuple[Said, ...]:
    """Puts beside each answer what was expected.

    Args:
        plan: What was asked.
        answers: To each request.
        expected: The trainer's own answers to the records, float32 [records, classes].

    Returns:
        One for each request.
    """
    return tuple(
        Said(
            request=request,
            answer=answer,
            expected=expected[:0] if request.purpose == "malformed" else expected[list(request.rows)],
        )
        for request, answer in zip(plan.requests, answers, strict=True)
    )


def judge(said: Iterable[Said], tolerance: float) -> list[Check]:
    """Judges answers; each check is about both signatures.

    Args:
        said: Of `collect`.
        tolerance: By which a probability may differ.

    Returns:
        The checks.
    """
    by_purpose: dict[Purpose, list[Said]] = {}
    for each in said:
        by_purpose.setdefault(each.request.purpose, []).append(each)
    return [
        _judge_sizes([*by_purpose["batch"], *by_purpose["empty"]]),
        _judge_parity(by_purpose["batch"], tolerance),
        _judge_session(by_purpose["session"], tolerance),
        _judge_order(by_purpose, tolerance),
        _judge_malformed(by_purpose["malformed"]),
        _judge_afterwards(by_purpose["afterwards"], tolerance),
    ]


def _judge_sizes(said: list[Said]) -> Check:
    faults = [each for each in said if each.fault is not None]
    sizes = ", ".join(str(size) for size in BATCH_SIZES)
    if not faults:
        sentence = f"batches of {sizes} and no images get a probability for each class and image"
        return Check(name="batch_sizes", passed=True, sentence=sentence)
    first = {(each.request.signature, len(each.request.rows)): each.fault for each in reversed(faults)}
    words = [f"{signature} with {size} images: {fault}" for (signature, size), fault in sorted(first.items())]
    return Check(name="batch_sizes", passed=False, sentence="; ".join(words))


def _judge_session(said: list[Said], tolerance: float) -> Check:
    """Judges the model as TensorFlow Serving loads it, which may find other variables than Python does."""
    faults = [f"{each.request.signature}: {each.fault}" for each in said if each.fault is not None]
    worst = max(each.deviation for each in said)
    told = "; ".join(faults) or f"probabilities differ from the trainer's own by up to {_format(worst)}"
    return Check(
        name="session",
        passed=worst <= tolerance,
        sentence=f"loaded without Python objects, as TensorFlow Serving does: {told}; allowed is {tolerance:g}",
    )


def _judge_parity(said: list[Said], tolerance: float) -> Check:
    worst = {
        signature: max(each.deviation for each in said if each.request.signature == signature)
        for signature in SIGNATURES
    }
    told = " and ".join(f"those of {signature} by {_format(value)}" for signature, value in worst.items())
    records = len({row for each in said for row in each.request.rows})
    return Check(
        name="equal_to_trainer",
        passed=all(value <= tolerance for value in worst.values()),
        sentence=f"for {records} test images, probabilities differ from those of the trainer's own network by no more "
        f"than this: {told}; allowed is {tolerance:g}",
    )


def _judge_order(by_purpose: dict[Purpose, list[Said]], tolerance: float) -> Check:
    """Holds a permuted batch, the batch in order and single requests against each other, the model against itself."""
    permuted = by_purpose["permuted"]
    sizes = (BATCH_SIZES[0], BATCH_SIZES[-1])
    alike = [*permuted, *(each for each in by_purpose["batch"] if each.request.batch_size in sizes)]
    moved = max(_find_spread([each for each in alike if each.request.signature == name]) for name in SIGNATURES)
    if min(float(np.ptp(each.expected, axis=0).max()) for each in permuted) <= tolerance:
        sentence = "whether the order of a batch is kept cannot be told: the network answers alike whatever the image"
        return Check(name="batch_order", passed=False, sentence=sentence)
    outcome = "is kept" if moved <= tolerance else "is not kept, or answers depend on their neighbors"
    sentence = (
        f"the order of a batch {outcome}: alone, in a batch and in a permuted batch "
        f"an image's probabilities differ by up to {_format(moved)}"
    )
    return Check(name="batch_order", passed=moved <= tolerance, sentence=sentence)


def _find_spread(said: list[Said]) -> float:
    """Returns by how much the answers to one and the same record differ at most; infinite if one is no answer."""
    if any(each.fault is not None for each in said):
        return np.inf
    by_record: dict[int, list[np.ndarray]] = {}
    for each in said:
        for row, answer in zip(each.request.rows, each.answer, strict=True):
            by_record.setdefault(row, []).append(np.asarray(answer))
    return max(_differ(np.stack(answers), answers[0]) for answers in by_record.values())


def _judge_malformed(said: list[Said]) -> Check:
    taken = [f"{each.request.what} ({each.request.signature})" for each in said if not isinstance(each.answer, str)]
    sentence = (
        f"got an answer and not an error: {'; '.join(taken)}"
        if taken
        else f"all {len(said)} malformed requests get an error and no answer"
    )
    return Check(name="malformed_records", passed=not taken, sentence=sentence)


def _judge_afterwards(said: list[Said], tolerance: float) -> Check:
    wrong = [each for each in said if not each.deviation <= tolerance]
    sentence = (
        f"of {len(said)} good requests right after a malformed one, {len(wrong)} did not get their answer"
        if wrong
        else "a good request right after a malformed one gets its answer"
    )
    return Check(name="recovery", passed=not wrong, sentence=sentence)


def _differ(answer: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference; infinite if it is no number."""
    differences = np.abs(np.asarray(answer, np.float64) - expected)
    return float(differences.max(initial=0.0)) if np.isfinite(differences).all() else np.inf


def _format(difference: float) -> str:
    return f"{difference:.1e}" if np.isfinite(difference) else "more than can be told (no answer, or no number)"
