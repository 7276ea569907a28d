"""The table of token reducers: test accuracies and their differences on the same images, with 95 % intervals.

Axes: seeds, examples.
"""

import math
from collections.abc import Sequence

from benchmarks.answers import gather_candidate
from benchmarks.dataset import assume_seed_deviation
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import Spread, tell_points
from components.evaluator.intervals import Z_95, compare_paired
from components.trainer.search.selection import Candidate, Difference, compare, pool_seed_deviation
from models.search_space import NO_REDUCER, is_control


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the first point, the learned one, with each of the others.

    The images are a sample, and so are the seeds: both widths are in the intervals, as in the choice of a search
    (`components/trainer/search/selection.py`); with one seed, the spread that the profile assumes. Images that
    several seeds are asked about count once, not once a seed.

    Args:
        rows: Of the kinds "training" and "speed".
    """
    trainings = [row for row in rows if row["kind"] == "training"]
    speeds = [row for row in rows if row["kind"] == "speed"]
    points = list(dict.fromkeys(row["point"] for row in trainings))
    candidates = {
        point: gather_candidate([row for row in trainings if row["point"] == point], "test") for point in points
    }
    measured_deviation = pool_seed_deviation(list(candidates.values()))
    assumed = assume_seed_deviation(trainings[0]["test_images"])
    deviation = assumed if measured_deviation is None else measured_deviation
    learned = candidates[points[0]]
    lines, sentences = [], []
    for point, candidate in candidates.items():
        row = next(row for row in trainings if row["point"] == point)
        difference = None if candidate is learned else compare(learned, candidate, deviation)
        lines.append(
            (
                point,
                _tell_accuracy(candidate, deviation),
                "" if difference is None else tell_points(difference.difference, *difference.interval),
                ", ".join(_tell_pairs(learned, candidate)) if difference else "",
                f"{row['macs'] / 1e6:.2f}",
                f"{row['parameters']:,}",
                *((Spread.of(speed[point] for speed in speeds).tell("{:,.0f}"),) if speeds else ()),
            )
        )
        if difference and (is_control(candidate.network) or point == NO_REDUCER):
            sentences.append(_conclude(difference))
    columns = (
        *("point", "test top-1 (95 %)", f"{points[0]} ahead by, points (95 %)", "each seed by itself"),
        *("million MACs", "parameters", *(("training images/s",) if speeds else ())),
    )
    if measured_deviation is None:
        sentences.append(
            "Each point was trained once; the intervals assume that an accuracy has a standard deviation of "
            f"{100 * deviation:.2f} points from seed to seed."
        )
    revisions = list(dict.fromkeys(row["revision"][:7] for row in trainings))
    if len(revisions) > 1:
        sentences.append(f"Trained at the revisions {', '.join(revisions)}.")
    table = Table(title=_name(trainings[0], len(learned.correct)), columns=columns, rows=tuple(lines))
    return Summary(tables=(table,), notes=tuple(sentences))


def _name(training: Row, seeds: int) -> str:
    told = f"{training['train_images']:,} training images, {training['epochs']} epochs, {seeds} seed{'s' * (seeds > 1)}"
    return f"{told}, {training['test_images']:,} test images"


def _tell_accuracy(candidate: Candidate, deviation: float) -> str:
    of_image = candidate.correct.mean(axis=0)  # [examples]
    seeds, examples = candidate.correct.shape
    half = Z_95 * math.sqrt(of_image.var(ddof=1) / examples + deviation**2 / seeds)
    return f"{candidate.accuracy:.1%} ({candidate.accuracy - half:.1%} to {candidate.accuracy + half:.1%})"


def _tell_pairs(learned: Candidate, candidate: Candidate) -> list[str]:
    pairs = [compare_paired(*arrays) for arrays in zip(learned.correct, candidate.correct, strict=True)]
    return [tell_points(pair.difference, pair.low, pair.high) for pair in pairs]


def _conclude(difference: Difference) -> str:
    better = "beats" if difference.difference > 0 else "loses to"
    verb = better if difference.is_larger_than_noise else "is statistically indistinguishable from"
    points = tell_points(difference.difference, *difference.interval)
    return f"{difference.point} {verb} {difference.than} on test: {points} points."
