"""The summary of the map: the accuracy of each cell, and where learned tokens are ahead of average pooling.

Axes: networks, comparisons, seeds, images.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from benchmarks.result import Row, Summary, Table
from benchmarks.trainings import measure_accuracy, read_candidates
from components.evaluator.intervals import Z_95
from components.trainer.search.selection import Candidate, pool_seed_deviation
from models.reducers.registry import REDUCERS
from models.search_space import is_learned, name_point
from models.vit_config import ViTConfig
from pipeline.config import FULL

_LEVEL = 0.05
_POWER = 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Leads:
    """How far learned reducers are ahead of average pooling at the same patch size, placement and token count."""

    networks: tuple[ViTConfig, ...]  # with the learned reducers
    differences: np.ndarray  # of the accuracies, [comparisons]
    errors: np.ndarray  # standard errors, of images and seeds, [comparisons]
    p_values: np.ndarray  # two-sided, after Holm's correction, [comparisons]
    trend: "Trend | None"  # None: too few placements or token counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trend:
    """How the lead changes over placements and token counts, of all reducers and patch sizes together."""

    slopes: np.ndarray  # for one block later, and for twice the tokens, [2]
    errors: np.ndarray  # standard errors, [2]
    p_value: float  # of Wald's test that both slopes are 0


def compare_with_pooling(candidates: Sequence[Candidate], deviation: float) -> Leads | None:
    """Compares every learned reducer with average pooling, image by image.

    A trend is a weighted least squares fit with an intercept for each reducer and patch size. Its errors include that
    all comparisons share the test images, and that reducers share the trainings of average pooling.

    Args:
        candidates: With any number of seeds each.
        deviation: Standard deviation of an accuracy from seed to seed, 0..1.

    Returns:
        The comparisons; None if there are none.

    Reference:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    networks = [candidate.network for candidate in candidates]
    pooled = {each: dataclasses.replace(each, token_reducer="average_pooling") for each in filter(is_learned, networks)}
    learned = tuple(network for network, pooling in pooled.items() if pooling in networks)
    if not learned:
        return None
    contrasts = np.zeros((len(learned), len(networks)))  # +1 and -1
    for contrast, network in zip(contrasts, learned, strict=True):
        contrast[[networks.index(network), networks.index(pooled[network])]] = 1, -1
    differences, covariance = _measure(contrasts, candidates, deviation)
    errors = np.sqrt(np.diag(covariance))
    groups = [(network.token_reducer, network.patch_size) for network in learned]
    columns: list[list[float]] = [[group == each for each in groups] for group in dict.fromkeys(groups)]
    columns.append([network.blocks_before_token_learner or 0 for network in learned])
    columns.append([math.log2(network.num_tokens or 1) for network in learned])
    weighted = np.array(columns) / errors  # [columns, comparisons]
    trend = None
    if np.linalg.matrix_rank(weighted) == len(columns):
        fit = np.linalg.solve(weighted @ weighted.T, weighted / errors)[-2:]  # [2, comparisons]
        slopes, covariance = _measure(fit @ contrasts, candidates, deviation)
        wald = slopes @ np.linalg.solve(covariance, slopes)
        trend = Trend(slopes=slopes, errors=np.sqrt(np.diag(covariance)), p_value=float(scipy.stats.chi2.sf(wald, 2)))
    p_values = correct(2 * scipy.stats.norm.sf(np.abs(differences / errors)))
    return Leads(networks=learned, differences=differences, errors=errors, p_values=p_values, trend=trend)


def _measure(contrasts: np.ndarray, candidates: Sequence[Candidate], deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns weighted sums of accuracies for weights [sums, networks], and their covariance, of images and seeds."""
    accuracies = contrasts @ np.stack([each.correct.mean(axis=0) for each in candidates])  # [sums, images]
    of_images = np.atleast_2d(np.cov(accuracies)) / accuracies.shape[1]
    of_seeds = contrasts / [len(each.correct) for each in candidates] @ contrasts.T * deviation**2
    return accuracies.mean(axis=1), of_images + of_seeds


def correct(p_values: np.ndarray) -> np.ndarray:
    """Returns the p-values, [comparisons], after Holm's correction for all of them."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(np.sort(p_values) * np.arange(len(p_values), 0, -1))
    return np.minimum(corrected, 1)


def summarize(rows: Sequence[Row]) -> Summary:
    """Makes a table for each reducer and patch size, of all placements and token counts trained so far."""
    summaries = [
        _summarize_epochs([row for row in rows if row["fit"]["epochs"] == epochs], epochs)
        for epochs in sorted({row["fit"]["epochs"] for row in rows})
    ]
    tables = (table for summary in summaries for table in summary.tables)
    return Summary(tuple(tables), tuple(note for summary in summaries for note in summary.notes))


def _summarize_epochs(rows: Sequence[Row], epochs: int) -> Summary:
    candidates = read_candidates(rows)
    measured = pool_seed_deviation(candidates)
    deviation = FULL.search.seed_deviation if measured is None else measured
    seeds = sorted({len(candidate.correct) for candidate in candidates})
    images = f"{rows[0]['train_images']:,} training and {rows[0]['test_images']:,} test images"
    source = "assumed" if measured is None else "measured"
    notes = [
        f"After {epochs} epochs ({images}; seeds a cell: {' or '.join(map(str, seeds))}). ± is the 95% interval of "
        f"images and seeds; the deviation from seed to seed is {100 * deviation:.2f} points ({source})."
    ]
    cells: dict[tuple[str, int], dict[ViTConfig, str]] = {}
    for candidate in candidates:
        network, accuracy = candidate.network, measure_accuracy(candidate, deviation)
        text = f"{accuracy.value:.1%} ± {100 * (accuracy.high - accuracy.value):.1f}"
        if network.token_reducer is None:
            cost = f"{candidate.macs / 1e6:.2f} million multiply-accumulates"
            notes.append(f"No reducer, {network.num_patches} patches: {text} with {cost}.")
        else:
            key = (REDUCERS[network.token_reducer].label, network.num_patches)
            cells.setdefault(key, {})[network] = f"{text} ({candidate.macs / 1e6:.2f})"
    tables = [
        _draw(f"{label}, {patches} patches, {epochs} epochs: test top-1 (million MACs)", some)
        for (label, patches), some in sorted(cells.items(), key=lambda item: (-item[0][1], item[0][0]))
    ]
    if leads := compare_with_pooling(candidates, deviation):
        tables += _draw_leads(leads, epochs)
        notes += _describe(leads)
    revisions = dict.fromkeys(row["revision"][:7] for row in rows)
    notes.append(f"Trained at {', '.join(revisions)}.")
    return Summary(tuple(tables), tuple(notes))


def _draw(title: str, cells: dict[ViTConfig, str]) -> Table:
    """Draws token counts down and placements across."""
    by_place = {(network.num_tokens, network.blocks_before_token_learner): text for network, text in cells.items()}
    counts, placements = (sorted({place[axis] or 0 for place in by_place}) for axis in (0, 1))
    columns = ("tokens", *(f"after block {blocks}" if blocks else "before block 1" for blocks in placements))
    rows = tuple((str(count), *(by_place.get((count, blocks), "") for blocks in placements)) for count in counts)
    return Table(title, columns, rows)


def _draw_leads(leads: Leads, epochs: int) -> list[Table]:
    cells: dict[tuple[str, int], dict[ViTConfig, str]] = {}
    for network, difference, error, p_value in zip(
        leads.networks, leads.differences, leads.errors, leads.p_values, strict=True
    ):
        text = f"{100 * difference:+.1f} ± {100 * Z_95 * error:.1f}{' *' if p_value < _LEVEL else ''}"
        cells.setdefault((REDUCERS[str(network.token_reducer)].label, network.num_patches), {})[network] = text
    return [
        _draw(
            f"{label} ahead of average pooling, {patches} patches, {epochs} epochs: points",
            some,
        )
        for (label, patches), some in cells.items()
    ]


def _describe(leads: Leads) -> list[str]:
    """Describes where learned tokens win or lose, the trend, and the smallest difference that would be found."""
    count, notes = len(leads.networks), []
    for verb, sign in (("beat", 1), ("lose to", -1)):
        found = [
            f"{name_point(network)} with {network.num_patches} patches"
            for network, difference, p_value in zip(leads.networks, leads.differences, leads.p_values, strict=True)
            if sign * difference > 0 and p_value < _LEVEL
        ]
        where = f": {', '.join(found)}" if found else ""
        result = f"Learned tokens {verb} average pooling in {len(found)} of {count} cells"
        notes.append(f"{result}, with Holm's correction (*){where}.")
    if trend := leads.trend:
        block, double = (
            f"{100 * slope:+.2f} ± {100 * Z_95 * error:.2f} points"
            for slope, error in zip(trend.slopes, trend.errors, strict=True)
        )
        notes.append(
            f"The lead of learned tokens changes by {block} for each block later and by {double} for twice as many "
            f"tokens (one test of both: p = {trend.p_value:.2g})."
        )
    single, corrected = (
        100 * float(np.median(leads.errors)) * (scipy.stats.norm.isf(level / 2) + scipy.stats.norm.ppf(_POWER))
        for level in (_LEVEL, _LEVEL / count)
    )
    notes.append(
        f"With a probability of {_POWER:.0%} these data show a true difference of {single:.1f} points in one cell, "
        f"and of {corrected:.1f} points after Holm's correction for {count} cells."
    )
    return notes
