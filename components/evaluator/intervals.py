"""95% intervals of the metrics of one model, and of the paired difference of two.

Axes: images, bins.
"""

import math

import numpy as np
import scipy.special

from components.artifacts.verdict import Measure, Paired

Z_95 = 1.959963984540054  # half width of a 95% interval of the normal distribution, in standard errors

_REPLICATES = 1000
_FEW_CLASSES = 100  # more take a tenth of the replicates
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

    Args:
        candidate: Whether it is right on each image, bool [images].
        baseline: The same of the other model.

    Returns:
        See `compare_counts`.
    """
    gained, lost = (int(np.count_nonzero(only)) for only in (candidate & ~baseline, baseline & ~candidate))
    return compare_counts(gained, lost, len(candidate))


def compare_counts(gained: int, lost: int, images: int) -> Paired:
    """Compares two models on the same images by how often only one of them is right.

    The interval is the Wald interval after half an image was added to each of the four cells (Agresti and Min's
    "Wald+2"), which covers close to 95% even if the models rarely disagree, and does not shrink to nothing if they
    never do.

    Args:
        gained: Images on which only the candidate is right.
        lost: Images on which only the baseline is right.
        images: All images.

    Returns:
        The difference of their accuracies.

    Reference:
        Agresti and Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
        Medicine 24, 2005. McNemar, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12, 1947, here with the exact binomial distribution.
    """
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


def measure_mean(mean: float, mean_square: float, images: int) -> Measure:
    """Measures a mean of values that are not negative with the interval of the normal distribution.

    Args:
        mean: Of the values.
        mean_square: Of their squares.
        images: Number of values, at least 1.

    Returns:
        The mean.
    """
    variance = max(0.0, mean_square - mean**2) / max(1, images - 1)  # of the mean
    half_width = Z_95 * math.sqrt(variance)
    return Measure(value=mean, low=max(0.0, mean - half_width), high=mean + half_width)


def measure_calibration_error(bins: np.ndarray) -> Measure:
    """Measures the expected calibration error with an interval from a parametric bootstrap.

    The error is the mean, weighted by images, over equal bins of confidence, of the distance between mean confidence
    and accuracy. Replicates of these distances are drawn from the normal distribution with their covariance. A sum of
    magnitudes grows with every resampling, so the percentile interval is moved by the bias that the bootstrap shows.

    Args:
        bins: For each bin the images, those predicted right, and the sums of confidence and of the squared difference
            of both, float64 [bins, 4].

    Returns:
        The error, 0..1.

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599. Efron and
        Tibshirani, "An Introduction to the Bootstrap", 1993, sections 6.5 (parametric), 10.2 (bias), 13.3.
    """
    images, right, confidence, squares = bins.T
    gaps = (right - confidence) / images.sum()  # [bins]
    covariance = (np.diag(squares / images.sum()) - np.outer(gaps, gaps)) / images.sum()  # each image is in one bin
    draws = np.random.default_rng(_SEED).multivariate_normal(gaps, covariance, _REPLICATES, check_valid="ignore")
    value, replicates = np.abs(gaps).sum(), np.abs(draws).sum(axis=1)
    low, high = np.quantile(replicates - (replicates.mean() - value), (0.025, 0.975))
    return Measure(value=float(value), low=max(0.0, float(low)), high=float(high))


def measure_balance(confusion: np.ndarray) -> tuple[Measure, Measure]:
    """Measures balanced accuracy and macro F1, the means over classes, with parametric bootstrap intervals.

    Args:
        confusion: Images by actual and predicted label, int [classes, classes]; classes without images do not count.

    Returns:
        The mean of the classes' recalls, and the mean of their F1 scores.

    Reference:
        Brodersen et al., "The balanced accuracy and its posterior distribution", ICPR 2010; Efron and Tibshirani, "An
        Introduction to the Bootstrap", 1993, section 6.5.
    """
    images = confusion.sum(axis=1)  # [classes]
    draw = np.random.default_rng(_SEED)
    shares = confusion / np.maximum(images, 1)[:, None]
    shares[images == 0, 0] = 1.0  # of no image
    replicates = _REPLICATES if len(confusion) <= _FEW_CLASSES else _REPLICATES // 10
    drawn = np.array([_average_classes(draw.multinomial(images, shares)) for _ in range(replicates)])
    found = _average_classes(confusion)
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    balanced, f1 = (
        Measure(value=float(value), low=min(float(value), float(below)), high=max(float(value), float(above)))
        for value, below, above in zip(found, low, high, strict=True)
    )
    return balanced, f1


def _average_classes(confusion: np.ndarray) -> np.ndarray:
    """Returns mean recall and mean F1 score of the classes that have images."""
    images, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    present = images > 0
    recall, f1 = right[present] / images[present], 2 * right[present] / (images + predicted)[present]
    return np.array([recall.mean(), f1.mean()])
