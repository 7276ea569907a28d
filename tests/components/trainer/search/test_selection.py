"""Who wins, worked out by hand.

Axes: seeds, examples.
"""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from trainings import make_candidate, make_point

from components.trainer.search import selection as choices
from components.trainer.search.selection import Candidate, Choice, compare, pool_seed_deviation
from models.reducers.registry import REDUCERS


def choose(candidates: Sequence[Candidate], *, controls_may_win: bool, assumed_seed_deviation: float = 0.0) -> Choice:
    """Chooses; by default, one seed stands for all."""
    contenders = tuple(REDUCERS) if controls_may_win else ("token_learner", "token_learner_v11")
    return choices.choose(candidates, contenders=contenders, assumed_seed_deviation=assumed_seed_deviation)


NONE = make_point(None)
LATE, MIDDLE, EARLY = (make_point("token_learner", placement) for placement in (2, 1, 0))


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_standard_error_is_that_of_the_images_and_of_the_seeds(seeds: int) -> None:
    rng = np.random.default_rng(0)
    one, other = (Candidate(network=point, correct=rng.random((seeds, 50)) < 0.7) for point in (LATE, EARLY))
    found = compare(one, other, seed_deviation=0.04)

    pairs = one.correct.mean(axis=0) - other.correct.mean(axis=0)  # [examples]
    of_images = ((pairs - pairs.mean()) ** 2).sum() / 49 / 50
    of_seeds = 2 * 0.04**2 / seeds
    assert found.standard_error == pytest.approx(math.sqrt(of_images + of_seeds), rel=1e-12)
    assert found.difference == pytest.approx(one.accuracy - other.accuracy, rel=1e-12)
    assert (found.point, found.than) == ("token_learner-2@2", "token_learner-2@0")


def test_a_difference_is_larger_than_noise_when_its_interval_leaves_out_zero() -> None:
    """Of n images that one alone gets right, the standard error is about the root of n: 4 are too many, 3 too few."""
    few, many = (compare(make_candidate(LATE, 60 + n), make_candidate(EARLY, 60), 0.0) for n in (3, 4))
    assert (few.is_larger_than_noise, many.is_larger_than_noise) == (False, True)
    assert many.standard_error == pytest.approx(math.sqrt((4 - 100 * 0.04**2) / 99 / 100))
    assert many.interval == pytest.approx(
        (0.04 - 1.96 * many.standard_error, 0.04 + 1.96 * many.standard_error), rel=1e-3
    )
    equal = compare(make_candidate(LATE, 60), make_candidate(EARLY, 60), 0.0)
    assert (equal.difference, equal.standard_error, equal.is_larger_than_noise) == (0, 0, False)
    loses = compare(make_candidate(EARLY, 60), make_candidate(LATE, 64), 0.0)
    assert (loses.difference, loses.is_larger_than_noise) == (pytest.approx(-0.04), True)


def test_the_deviation_between_seeds_is_pooled_over_the_points() -> None:
    first = make_candidate(LATE, 60, 70)  # accuracies 0.6 and 0.7
    second = make_candidate(EARLY, 50, 54)  # 0.5 and 0.54
    of_first, of_second = 0.1**2 / 2, 0.04**2 / 2  # variances of two values
    assert pool_seed_deviation([first, second]) == pytest.approx(math.sqrt((of_first + of_second) / 2))
    choice = choose([first, second], controls_may_win=True, assumed_seed_deviation=0.5)
    assert choice.seed_deviation == pool_seed_deviation([first, second])
    assert choice.is_seed_deviation_measured
    assert pool_seed_deviation([make_candidate(LATE, 60), make_candidate(EARLY, 50)]) is None


def test_the_cheapest_point_within_one_standard_error_of_the_best_wins() -> None:
    """One image apart is one standard error (0.01 and 0.01); two that are apart are more (0.02 and 0.014)."""
    best, within, outside = make_candidate(NONE, 62), make_candidate(LATE, 61), make_candidate(EARLY, 60)
    choice = choose([outside, within, best], controls_may_win=False)
    assert (choice.winner, choice.best) == (within, best)
    assert choice.candidates == (best, within, outside)
    assert [difference.than for difference in choice.differences] == [within.name, outside.name]
    assert [d.difference <= d.standard_error for d in choice.differences] == [True, False]
    assert {difference.point for difference in choice.winner_differences} == {within.name}
    found = {difference.than: difference.difference for difference in choice.winner_differences}
    assert found == pytest.approx({best.name: -0.01, outside.name: 0.01})


def test_with_one_seed_the_assumed_spread_widens_what_is_within_one_standard_error() -> None:
    """Two images apart are 0.02: more than the 0.014 of the images, less than these and 0.01 a seed together, 0.02."""
    best, other = make_candidate(NONE, 62), make_candidate(EARLY, 60)
    for deviation, winner, standard_error in ((0.0, best, 0.0141), (0.011, other, 0.0210)):
        choice = choose([best, other], controls_may_win=False, assumed_seed_deviation=deviation)
        assert choice.winner is winner
        [difference] = choice.differences
        assert difference.standard_error == pytest.approx(standard_error, abs=1e-4)
        assert (choice.seed_deviation, choice.is_seed_deviation_measured) == (deviation, False)


def test_of_equally_accurate_points_the_cheaper_one_is_the_best() -> None:
    expensive, cheap = make_candidate(NONE, 60), make_candidate(EARLY, 60)
    choice = choose([expensive, cheap], controls_may_win=False)
    assert (choice.best, choice.winner) == (cheap, cheap)


def test_controls_win_only_where_they_may() -> None:
    control = make_candidate(make_point("average_pooling", 0), 70)
    learned, none = make_candidate(EARLY, 60), make_candidate(NONE, 61)
    bound = choose([learned, control, none], controls_may_win=False)
    assert (bound.best, bound.winner, bound.unbound_winner) == (none, learned, control)
    assert bound.candidates == (control, none, learned)
    free = choose([learned, control, none], controls_may_win=True)
    assert (free.best, free.winner, free.unbound_winner) == (control, control, control)


def test_without_other_points_a_control_wins_and_nothing_learned_is_compared() -> None:
    controls = [make_candidate(make_point("average_pooling"), 60), make_candidate(make_point("top_k_norm"), 70)]
    assert choose(controls, controls_may_win=False).winner is controls[1]
    choice = choose([make_candidate(NONE, 60)], controls_may_win=False)
    assert (choice.learned, choice.learned_differences, choice.differences) == (None, (), ())
    assert choice.winner is choice.best


def test_the_best_learned_point_is_compared_with_its_controls_and_every_other_finalist_with_the_references() -> None:
    choice = choose(
        [
            make_candidate(EARLY, 50),
            make_candidate(MIDDLE, 60),
            make_candidate(NONE, 70),
            make_candidate(make_point("average_pooling", 1), 55),
            make_candidate(make_point("top_k_norm", 1), 40),
            make_candidate(make_point("top_k_norm", 0), 80),  # at another place
        ],
        controls_may_win=False,
    )
    assert choice.learned is not None
    assert choice.learned.network == MIDDLE
    learned, references = (
        {(difference.point, difference.than): difference.difference for difference in differences}
        for differences in (choice.learned_differences, choice.reference_differences)
    )
    assert learned == pytest.approx(
        {
            ("token_learner-2@1", "no_reducer"): -0.1,
            ("token_learner-2@1", "average_pooling-2@1"): 0.05,
            ("token_learner-2@1", "top_k_norm-2@1"): 0.2,
        }
    )
    assert references == pytest.approx(
        {
            ("token_learner-2@0", "no_reducer"): -0.2,
            ("token_learner-2@1", "no_reducer"): -0.1,
            ("token_learner-2@1", "average_pooling-2@1"): 0.05,
        }
    )
