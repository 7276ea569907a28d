"""Ways are measured in turns and compared round by round."""

import functools
from collections.abc import Callable

import numpy as np

from benchmarks.rounds import Spread, compare, measure_sgemm, take_turns, take_turns_beside


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


def test_each_way_is_measured_right_beside_the_one_that_it_is_compared_with() -> None:
    calls: list[str] = []
    rows = take_turns_beside("a", make_ways(calls), rounds=2)
    assert "".join(calls) == "ba" + "ac" + "ab" + "ca"
    assert rows == [
        {"round": 1, "b": 1.0, "a": 2.0},
        {"round": 1, "a": 3.0, "c": 4.0},
        {"round": 2, "a": 5.0, "b": 6.0},
        {"round": 2, "c": 7.0, "a": 8.0},
    ]


def test_the_interval_of_the_median_holds_it_nineteen_times_in_twenty_however_far_the_extremes_lie() -> None:
    draws = np.random.default_rng(1).lognormal(0, 1, size=(2000, 15))  # their median is 1
    spreads = [Spread.of_median(draw) for draw in draws]
    assert 0.93 < np.mean([spread.least < 1 < spread.most for spread in spreads]) < 0.97
    assert np.mean([spread.most for spread in spreads]) < np.mean(draws.max(axis=1)) / 2


def test_fewer_than_six_figures_have_no_narrower_interval_than_their_extremes() -> None:
    assert Spread.of_median([3.0, 1.0, 2.0, 5.0, 9.0]) == Spread(median=3.0, least=1.0, most=9.0)
    of_six = Spread.of_median([3.0, 1.0, 2.0, 5.0, 9.0, 4.0])
    assert 1.0 < of_six.least < 2.0
    assert 5.0 < of_six.most < 9.0


def test_ratios_are_taken_round_by_round() -> None:
    rows = [{"a": 10.0, "b": 5.0}, {"a": 1.0, "b": 0.25}, {"a": 9.0, "b": 3.0}]
    assert compare(rows, "a", "b") == Spread(median=3.0, least=2.0, most=4.0)
    assert compare(rows, "a", "b").tell("{:.1f}x") == "3.0x (2.0x to 4.0x)"


def test_matrices_are_multiplied_at_a_rate_that_a_machine_can_have() -> None:
    assert 1e8 < measure_sgemm(0.05) < 1e15
