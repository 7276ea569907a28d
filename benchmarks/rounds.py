"""Rounds: alternatives that are measured in turns, so that a change of the machine's speed affects all of them."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from benchmarks.result import Row


def take_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> list[Row]:
    """Measures each alternative once a round, every other round in the opposite order.

    Args:
        ways: By name; each returns a figure.
        rounds: How often.

    Returns:
        A row a round: its number under "round", from 1, and the figure of each alternative under its name.
    """
    rows = []
    for number in range(1, rounds + 1):
        figures = {name: ways[name]() for name in list(ways)[:: 1 if number % 2 else -1]}
        rows.append({"round": number, **{name: figures[name] for name in ways}})
    return rows


def divide(rows: Sequence[Row], name: str, other: str) -> list[float]:
    """Divides the figures of one alternative by those of another, round by round."""
    return [row[name] / row[other] for row in rows]


def format_spread(values: Sequence[float], form: str) -> str:
    """Returns median, minimum and maximum, such as "6.1x (5.2x to 6.4x)" for the form "{:.1f}x"."""
    median, least, most = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{median} ({least} to {most})"
