"""Ways are measured in turns and compared round by round."""

import functools
from collections.abc import Callable

from benchmarks.rounds import Spread, compare, measure_sgemm, take_turns


def make_ways(calls: list[str]) -> dict[str, Callable[[], float]]:
    """Makes ways a, b and c, which write down that they were called, and return how many calls there have been."""

    def call(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    return {name: functools.partial(call, name) for name in "abc"}


def test_ways_take_turns_and_every_other_round_goes_backwards() -> None:
    calls: list[str] = []
    rows = take_turns(make_ways(calls), rounds=2)
    assert "".join(calls) == "abccba"
    assert rows == [{"round": 1, "a": 1.0, "b": 2.0, "c": 3.0}, {"round": 2, "a": 6.0, "b": 5.0, "c": 4.0}]


def test_ratios_are_taken_round_by_round() -> None:
    rows = [{"a": 10.0, "b": 5.0}, {"a": 1.0, "b": 0.25}, {"a": 9.0, "b": 3.0}]
    assert compare(rows, "a", "b") == Spread(median=3.0, least=2.0, most=4.0)
    assert compare(rows, "a", "b").tell("{:.1f}x") == "3.0x (2.0x to 4.0x)"


def test_matrices_are_multiplied_at_a_rate_that_a_machine_can_have() -> None:
    assert 1e8 < measure_sgemm(0.05) < 1e15
