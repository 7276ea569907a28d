"""Who wins, worked out by hand.

Axes: seeds, examples.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest

from components.trainer.search import selection as choices
from components.trainer.search.selection import Candidate, Choice, compare, pool_seed_deviation
from models.reducers.registry import REDUCERS, TokenReducer
from models.vit_config import ViTConfig

_EXAMPLES = 100

_BACKBONE = ViTConfig(image_size=8, patch_size=2, dim=4, depth=3, num_heads=2, mlp_dims=(4,), num_classes=2)


def network(reducer: TokenReducer | None, placement: int = 1) -> ViTConfig:
    """Returns a point; the later the reducer stands, the more it costs, and none costs most."""
    if reducer is None:
        return _BACKBONE
    return dataclasses.replace(_BACKBONE, token_reducer=reducer, blocks_before_token_learner=placement, num_tokens=2)


def candidate(point: ViTConfig, *right: Sequence[int] | range) -> Candidate:
    """Makes a candidate from the images that each seed got right, out of a hundred."""
    correct = np.zeros((len(right), _EXAMPLES), bool)
    for row, images in zip(correct, right, strict=True):
        row[list(images)] = True
    return Candidate(network=point, correct=correct)


def choose(candidates: Sequence[Candidate], *, controls_may_win: bool, assumed_seed_deviation: float = 0.0) -> Choice:
    """Chooses; with one seed as if no accuracy depended on it, unless told otherwise."""
    contenders = tuple(REDUCERS) if controls_may_win else ("token_learner", "token_learner_v11")
    return choices.choose(candidates, contenders=contenders, assumed_seed_deviation=assumed_seed_deviation)


NONE = network(None)
LATE, MIDDLE, EARLY = (network("token_learner", placement) for placement in (2, 1, 0))


def test_the_points_here_cost_less_the_earlier_the_reducer_stands() -> None:
    costs = [candidate(point, []).macs for point in (NONE, LATE, MIDDLE, EARLY)]
    assert costs == sorted(costs, reverse=True)
    assert candidate(network("average_pooling", 2), []).macs > candidate(MIDDLE, []).macs


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


def test_images_that_both_get_right_or_wrong_do_not_count_as_noise() -> None:
    """Sixty in common; one is right on four more, the other on three more: a difference of 0.01."""
    one, other = candidate(LATE, range(64)), candidate(EARLY, [*range(60), *range(90, 93)])
    found = compare(one, other, 0.0)
    variance = (7 - 100 * 0.01**2) / 99  # of 4 x +1, 3 x -1 and 93 x 0
    assert found.difference == pytest.approx(0.01)
    assert found.standard_error == pytest.approx(math.sqrt(variance / 100))
    unpaired = math.sqrt((0.64 * 0.36 + 0.63 * 0.37) / 100)
    assert found.standard_error < unpaired / 2


def test_equal_points_differ_by_nothing_without_noise() -> None:
    found = compare(candidate(LATE, range(60)), candidate(EARLY, range(60)), 0.0)
    assert (found.difference, found.standard_error, found.is_larger_than_noise) == (0, 0, False)


def test_a_difference_is_larger_than_noise_when_its_interval_leaves_out_zero() -> None:
    """Of n images that one alone gets right, the standard error is about the root of n: 4 are too many, 3 too few."""
    few, many = (compare(candidate(LATE, range(60 + n)), candidate(EARLY, range(60)), 0.0) for n in (3, 4))
    assert (few.is_larger_than_noise, many.is_larger_than_noise) == (False, True)
    assert many.standard_error == pytest.approx(math.sqrt((4 - 100 * 0.04**2) / 99 / 100))
    assert many.interval == pytest.approx(
        (0.04 - 1.96 * many.standard_error, 0.04 + 1.96 * many.standard_error), rel=1e-3
    )
    loses = compare(candidate(EARLY, range(60)), candidate(LATE, range(64)), 0.0)
    assert (loses.difference, loses.is_larger_than_noise) == (pytest.approx(-0.04), True)


def test_the_deviation_between_seeds_is_pooled_over_the_points() -> None:
    first = candidate(LATE, range(60), range(70))  # accuracies 0.6 and 0.7
    second = candidate(EARLY, range(50), range(54))  # 0.5 and 0.54
    of_first, of_second = 0.1**2 / 2, 0.04**2 / 2  # variances of two values
    assert pool_seed_deviation([first, second]) == pytest.approx(math.sqrt((of_first + of_second) / 2))
    choice = choose([first, second], controls_may_win=True, assumed_seed_deviation=0.5)
    assert choice.seed_deviation == pool_seed_deviation([first, second])
    assert choice.is_seed_deviation_measured


def test_one_seed_tells_nothing_of_the_others() -> None:
    assert pool_seed_deviation([candidate(LATE, range(60)), candidate(EARLY, range(50))]) is None


def test_the_cheapest_point_within_one_standard_error_of_the_best_wins() -> None:
    """One image apart is one standard error (0.01 and 0.01); two that are apart are more (0.02 and 0.014)."""
    best, within, outside = candidate(NONE, range(62)), candidate(LATE, range(61)), candidate(EARLY, range(60))
    choice = choose([outside, within, best], controls_may_win=False)
    assert choice.winner is within
    assert choice.best is best
    assert choice.candidates == (best, within, outside)
    found = {difference.than: difference for difference in choice.differences}
    assert list(found) == [within.name, outside.name]
    assert found[within.name].difference <= found[within.name].standard_error
    assert found[outside.name].difference > found[outside.name].standard_error


def test_the_spread_of_the_seeds_widens_what_is_within_one_standard_error() -> None:
    steady = [candidate(NONE, range(62), range(62)), candidate(EARLY, range(60), range(60))]
    spread = [candidate(NONE, range(60), range(64)), candidate(EARLY, range(58), range(62))]
    assert choose(steady, controls_may_win=False).winner is steady[0]
    assert choose(spread, controls_may_win=False).winner is spread[1]


def test_with_one_seed_the_assumed_spread_widens_what_is_within_one_standard_error() -> None:
    """Two images apart are 0.02: more than the 0.014 of the images, less than these and 0.01 a seed together, 0.02."""
    best, other = candidate(NONE, range(62)), candidate(EARLY, range(60))
    for deviation, winner, standard_error in ((0.0, best, 0.0141), (0.011, other, 0.0210)):
        choice = choose([best, other], controls_may_win=False, assumed_seed_deviation=deviation)
        assert choice.winner is winner
        [difference] = choice.differences
        assert difference.standard_error == pytest.approx(standard_error, abs=1e-4)
        assert (choice.seed_deviation, choice.is_seed_deviation_measured) == (deviation, False)


def test_the_winner_is_compared_with_each_of_the_others_though_another_one_is_best() -> None:
    best, winner, last = candidate(NONE, range(62)), candidate(LATE, range(61)), candidate(EARLY, range(50))
    choice = choose([best, winner, last], controls_may_win=False)
    assert choice.winner is winner
    found = {difference.than: difference.difference for difference in choice.winner_differences}
    assert {difference.point for difference in choice.winner_differences} == {winner.name}
    assert found == pytest.approx({best.name: -0.01, last.name: 0.11})


def test_of_equally_accurate_points_the_cheaper_one_is_the_best() -> None:
    expensive, cheap = candidate(NONE, range(60)), candidate(EARLY, range(60))
    choice = choose([expensive, cheap], controls_may_win=False)
    assert (choice.best, choice.winner) == (cheap, cheap)


def test_controls_win_only_where_they_may() -> None:
    control = candidate(network("average_pooling", 0), range(70))
    learned, none = candidate(EARLY, range(60)), candidate(NONE, range(61))
    bound = choose([learned, control, none], controls_may_win=False)
    assert (bound.best, bound.winner, bound.unbound_winner) == (none, learned, control)
    assert bound.candidates == (control, none, learned)
    free = choose([learned, control, none], controls_may_win=True)
    assert (free.best, free.winner, free.unbound_winner) == (control, control, control)


def test_where_all_points_are_controls_one_of_them_wins() -> None:
    controls = [candidate(network("average_pooling"), range(60)), candidate(network("top_k_norm"), range(70))]
    assert choose(controls, controls_may_win=False).winner is controls[1]


def test_the_best_learned_point_is_compared_with_the_backbone_and_its_own_controls() -> None:
    choice = choose(
        [
            candidate(EARLY, range(50)),
            candidate(MIDDLE, range(60)),
            candidate(NONE, range(70)),
            candidate(network("average_pooling", 1), range(55)),
            candidate(network("top_k_norm", 1), range(40)),
            candidate(network("average_pooling", 0), range(80)),  # at another place
        ],
        controls_may_win=False,
    )
    assert choice.learned is not None
    assert choice.learned.network == MIDDLE
    found = {(difference.point, difference.than): difference.difference for difference in choice.learned_differences}
    assert found == pytest.approx(
        {
            ("token_learner-2@1", "no_reducer"): -0.1,
            ("token_learner-2@1", "average_pooling-2@1"): 0.05,
            ("token_learner-2@1", "top_k_norm-2@1"): 0.2,
        }
    )


def test_every_finalist_but_the_controls_is_compared_with_no_reducer_and_average_pooling_at_its_place() -> None:
    choice = choose(
        [
            candidate(EARLY, range(50)),
            candidate(MIDDLE, range(60)),
            candidate(NONE, range(70)),
            candidate(network("average_pooling", 1), range(55)),
            candidate(network("top_k_norm", 0), range(45)),
        ],
        controls_may_win=False,
    )
    found = {(difference.point, difference.than): difference.difference for difference in choice.reference_differences}
    assert found == pytest.approx(
        {
            ("token_learner-2@0", "no_reducer"): -0.2,
            ("token_learner-2@1", "no_reducer"): -0.1,
            ("token_learner-2@1", "average_pooling-2@1"): 0.05,
        }
    )


def test_without_a_learned_point_there_is_nothing_to_compare_with_controls() -> None:
    choice = choose([candidate(NONE, range(60))], controls_may_win=False)
    assert (choice.learned, choice.learned_differences, choice.differences) == (None, (), ())
    assert choice.winner is choice.best
