"""Intervals against numbers worked out by hand, and against what they promise."""

import numpy as np
import pytest
import scipy.stats

from components.evaluator.intervals import compare_paired, measure_calibration_error, measure_mean, measure_share


def right(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which images candidate and baseline got right: so many both, only the first, only the second, neither."""
    candidate = np.repeat([True, True, False, False], counts)
    return candidate, np.repeat([True, False, True, False], counts)


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


def test_a_mean_has_the_interval_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).exponential(size=5000)
    measured = measure_mean(values.mean(), (values**2).mean(), 5000)
    low, high = scipy.stats.norm.interval(0.95, values.mean(), scipy.stats.sem(values))
    assert (measured.value, measured.low, measured.high) == pytest.approx((values.mean(), low, high))


def count_bins(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Puts images into 15 bins of their confidence."""
    columns = np.stack([np.ones_like(confidence), right, confidence, (right - confidence) ** 2], axis=1)
    bins = np.zeros((15, 4))
    np.add.at(bins, (confidence * 15).astype(int), columns)
    return bins


def test_the_calibration_error_has_the_interval_of_a_bootstrap_over_images() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.2, 0.99, size=3000)
    right = random.random(3000) < confidence - 0.1  # overconfident by 10 points
    measured = measure_calibration_error(count_bins(confidence, right))
    assert measured == measure_calibration_error(count_bins(confidence, right))
    assert measured.value == pytest.approx(0.1, abs=0.02)
    errors = []
    for _ in range(400):
        drawn = random.integers(3000, size=3000)
        bins = count_bins(confidence[drawn], right[drawn])
        errors.append(np.abs(bins[:, 1] - bins[:, 2]).sum() / 3000)
    low, high = np.quantile(errors, (0.025, 0.975)) - (np.mean(errors) - measured.value)
    assert (measured.low, measured.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_interval_of_a_calibration_error_that_is_noise_holds_its_value_and_is_not_negative() -> None:
    confidence = np.full(50, 0.5)
    measured = measure_calibration_error(count_bins(confidence, np.arange(50) < 26))
    assert measured.value == pytest.approx(0.02)
    assert 0 <= measured.low <= measured.value <= measured.high
