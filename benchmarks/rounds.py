"""Rounds: ways that are measured in turns, so that the drift of a machine's speed falls on all of them alike."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from benchmarks.result import Row

_SGEMM_SIZE = 2048  # rows and columns


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """The middle of some figures, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Measures figures."""
        figures = list(values)
        return cls(median=statistics.median(figures), least=min(figures), most=max(figures))

    def tell(self, form: str = "{:.1f}") -> str:
        """Returns such as "6.1x (5.2x to 6.4x)" for the form "{:.1f}x"."""
        median, least, most = (form.format(value) for value in (self.median, self.least, self.most))
        return f"{median} ({least} to {most})"


def take_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> list[Row]:
    """Measures each way once a round, every other round in the opposite order.

    Args:
        ways: By name; each returns a figure.
        rounds: How often.

    Returns:
        A row a round: its number under "round", from 1, and the figure of each way under its name.
    """
    rows = []
    for number in range(1, rounds + 1):
        order = list(ways)[:: 1 if number % 2 else -1]
        figures = {name: ways[name]() for name in order}
        rows.append({"round": number, **{name: figures[name] for name in ways}})
    return rows


def compare(rows: Sequence[Row], way: str, other: str) -> Spread:
    """Divides one way's figures by another's, round by round."""
    return Spread.of(row[way] / row[other] for row in rows)


def tell_points(difference: float, low: float, high: float) -> str:
    """Returns such as "+1.2 (-0.3 to +2.7)" for a difference of two accuracies, and the ends of its interval."""
    of_difference, *ends = (f"{100 * value:+.1f}" for value in (difference, low, high))
    return f"{of_difference} ({' to '.join(ends)})"


def measure_sgemm(seconds: float) -> float:
    """Returns operations a second (an addition is one, a multiplication another) of numpy's sgemm on all cores.

    Args:
        seconds: To measure, about.
    """
    draw = np.random.default_rng(1)
    left, right = (draw.random((_SGEMM_SIZE, _SGEMM_SIZE), dtype=np.float32) for _ in range(2))
    product = left @ right  # wakes its threads
    products, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        np.matmul(left, right, out=product)
        products += 1
    return products * 2 * _SGEMM_SIZE**3 / (time.monotonic() - begin)
