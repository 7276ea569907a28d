"""Intervals against numbers worked out by hand, and against what they promise."""

import numpy as np
import pytest
import scipy.stats

from components.evaluator.intervals import compare_paired, measure_by_bootstrap, measure_share


def right(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which images candidate and baseline got right: so many both, only the first, only the second, neither."""
    candidate = np.repeat([True, True, False, False], counts)
    return candidate, np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(("hits", "low", "high"), [(50, 0.403832, 0.596168), (100, 0.963007, 1), (0, 0, 0.036993)])
def test_a_share_has_wilsons_interval(hits: int, low: float, high: float) -> None:
    """Of 100 images: center (p + z²/2n) / (1 + z²/n) with z = 1.96."""
    measured = measure_share(hits, 100)
    assert measured.value == hits / 100
    assert (measured.low, measured.high) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(("hits", "images"), [(0, 1), (1, 1), (7, 20), (533, 1000), (9999, 10_000)])
def test_a_share_has_scipys_interval(hits: int, images: int) -> None:
    measured = measure_share(hits, images)
    expected = scipy.stats.binomtest(hits, images).proportion_ci(method="wilson")
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_paired_difference_has_agresti_and_mins_interval() -> None:
    """(8 - 2) / 102 = 0.05882; standard error sqrt(11 - 36/102) / 102 = 0.03199; times 1.96: 0.06270."""
    paired = compare_paired(*right(60, 8, 2, 30))
    assert paired.difference == pytest.approx(0.06)
    assert (paired.low, paired.high) == pytest.approx((-0.003877, 0.121524), abs=1e-5)
    assert (paired.only_candidate_right, paired.only_baseline_right) == (8, 2)


def test_mcnemars_p_value_is_exact() -> None:
    """Of 10 coins at most 2 or at least 8 heads: 2 · (1 + 10 + 45) / 1024."""
    assert compare_paired(*right(60, 8, 2, 30)).p_value == pytest.approx(0.109375)
    assert compare_paired(*right(60, 5, 5, 30)).p_value == 1
    assert compare_paired(*right(70, 0, 0, 30)).p_value == 1


def test_two_models_that_never_disagree_differ_by_nothing_give_or_take_an_image() -> None:
    paired = compare_paired(*right(700, 0, 0, 300))
    assert (paired.low, paired.difference, paired.high) == pytest.approx((-0.001956, 0, 0.001956), abs=1e-6)


@pytest.mark.parametrize("images", [20, 100, 1000])
@pytest.mark.parametrize("cells", [(0.5, 0.1, 0.1, 0.3), (0.9, 0.01, 0.04, 0.05), (0.6, 0.15, 0.05, 0.2)])
def test_the_paired_interval_covers_the_true_difference_about_95_times_in_100(
    images: int, cells: tuple[float, ...]
) -> None:
    draws = np.random.default_rng(0).multinomial(images, cells, size=2000)
    found = [compare_paired(*right(*draw)) for draw in draws]
    covered = np.mean([paired.low <= cells[1] - cells[2] <= paired.high for paired in found])
    assert covered >= 0.935


def mean(means: np.ndarray) -> np.ndarray:
    return means


def test_the_bootstrap_of_a_mean_has_the_interval_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).exponential(size=(5000, 1))
    [measured] = measure_by_bootstrap(values, mean, smallest=0)
    half_width = 1.96 * values.std() / np.sqrt(5000)
    assert measured.value == values.mean()
    assert (measured.low, measured.high) == pytest.approx(
        (values.mean() - half_width, values.mean() + half_width), abs=0.1 * half_width
    )


def test_the_bootstrap_is_the_same_each_time() -> None:
    values = np.random.default_rng(0).exponential(size=(100, 2))
    assert measure_by_bootstrap(values, mean, smallest=0) == measure_by_bootstrap(values, mean, smallest=0)


def test_the_interval_of_a_sum_of_magnitudes_holds_its_value_and_stays_above_the_smallest() -> None:
    gaps = np.random.default_rng(0).normal(size=(200, 15))  # pure noise: resampling only adds to it
    [measured] = measure_by_bootstrap(gaps, lambda means: np.abs(means).sum(axis=-1, keepdims=True), smallest=0)
    assert measured.low < measured.value < measured.high
    [tiny] = measure_by_bootstrap(np.array([[0.0], [0.001]]), lambda means: np.abs(means), smallest=0)
    assert (tiny.low, tiny.value, tiny.high) == pytest.approx((0, 0.0005, 0.001), abs=2e-5)
