"""95 % intervals: of proportions, of paired differences, and of what only a bootstrap can tell.

Axes: images, replicates, statistics.
"""

import math
from collections.abc import Callable

import numpy as np
import scipy.special

from components.evaluator.verdict import Measure, Paired

Z_95 = 1.959963984540054  # half width of a 95 % interval of the normal distribution, in standard errors

_REPLICATES = 1000
_CHUNK = 100  # replicates at once
_CHUNK_COUNTS = 10**6  # resampled images at once, 8 MB, so that memory stays flat on larger test splits
_SEED = 20260


def measure_share(hits: int, images: int) -> Measure:
    """Measures a share with Wilson's score interval.

    Args:
        hits: Images that count.
        images: All images, at least 1.

    Returns:
        The share.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927; recommended in
        Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16, 2001.
    """
    share = hits / images
    shrinkage = 1 + Z_95**2 / images
    center = (share + Z_95**2 / (2 * images)) / shrinkage
    half_width = Z_95 * math.sqrt(share * (1 - share) / images + Z_95**2 / (4 * images**2)) / shrinkage
    # Exact arithmetic keeps the share inside; floating point misses it by an ulp at 0 and 1.
    return Measure(
        value=share, low=min(share, max(0.0, center - half_width)), high=max(share, min(1.0, center + half_width))
    )


def compare_paired(candidate: np.ndarray, baseline: np.ndarray) -> Paired:
    """Compares two models on the same images.

    The interval is the Wald interval after half an image was added to each of the four cells (Agresti and Min's
    "Wald+2"), which covers close to 95 % also where models rarely disagree, and does not shrink to nothing where they
    never do.

    Args:
        candidate: Which images it got right, bool [images].
        baseline: The same of the other model.

    Returns:
        The difference of their accuracies.

    Reference:
        Agresti and Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
        Medicine 24, 2005. McNemar, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12, 1947, here with the exact binomial distribution.
    """
    images = len(candidate)
    gained = int(np.count_nonzero(candidate & ~baseline))
    lost = int(np.count_nonzero(baseline & ~candidate))
    difference = (gained - lost) / images
    center = (gained - lost) / (images + 2)
    half_width = Z_95 * math.sqrt(gained + lost + 1 - (gained - lost) ** 2 / (images + 2)) / (images + 2)
    return Paired(
        difference=difference,
        # The added images move the center; an interval that left the difference out would be odd to read.
        low=max(-1.0, min(difference, center - half_width)),
        high=min(1.0, max(difference, center + half_width)),
        p_value=min(1.0, 2 * float(scipy.special.bdtr(min(gained, lost), gained + lost, 0.5))),
        only_candidate_right=gained,
        only_baseline_right=lost,
    )


def measure_by_bootstrap(
    summands: np.ndarray, combine: Callable[[np.ndarray], np.ndarray], smallest: float
) -> list[Measure]:
    """Measures statistics of sums over images, all from the same resamples.

    Resampled images are counted, not copied, so a chunk of replicates is one matrix product. The percentile interval is
    moved by what the bootstrap shows of its own bias: statistics such as a calibration error, a sum of magnitudes, grow
    with every resampling, and their plain percentile interval would lie above them.

    Args:
        summands: float64 [images, statistics summed].
        combine: From means over images, [..., statistics summed], to the statistics, [..., statistics].
        smallest: What no statistic can be below.

    Returns:
        The statistics.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, sections 10.2 (bias) and 13.3 (percentiles).
    """
    images = len(summands)
    random = np.random.default_rng(_SEED)
    means = np.empty((_REPLICATES, summands.shape[1]))  # [replicates, statistics summed]
    chunk = min(_CHUNK, max(1, _CHUNK_COUNTS // images))
    for begin in range(0, _REPLICATES, chunk):
        rows = means[begin : begin + chunk]
        counts = np.stack([_count_draws(random, images) for _ in rows])  # [chunk, images]
        rows[:] = counts @ summands / images
    values = combine(summands.mean(axis=0))  # [statistics]
    replicates = combine(means)  # [replicates, statistics]
    shifted = replicates - (replicates.mean(axis=0) - values)
    lows, highs = np.quantile(shifted, (0.025, 0.975), axis=0)
    return [
        Measure(value=float(value), low=max(smallest, float(low)), high=float(high))
        for value, low, high in zip(values, lows, highs, strict=True)
    ]


def _count_draws(random: np.random.Generator, images: int) -> np.ndarray:
    """Draws so many images with replacement; returns how often each came, [images]."""
    return np.bincount(random.integers(images, size=images), minlength=images).astype(np.float64)
