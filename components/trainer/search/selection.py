"""Selection: which point wins, and how it differs from the other finalists.

Axes: seeds, examples.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from components.artifacts.search_outcome import Difference
from models.macs import count_macs
from models.search_space import find_controls, find_references, is_control, is_learned, name_point
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A point that was trained fully, with every seed."""

    network: ViTConfig
    correct: np.ndarray  # bool [seeds, examples]: which valid images each training got right

    @property
    def name(self) -> str:
        """Such as "token_learner-8@2"."""
        return name_point(self.network)

    @property
    def macs(self) -> int:
        """True multiply-accumulates an image."""
        return count_macs(self.network).total

    @property
    def accuracy(self) -> float:
        """Mean validation accuracy over the seeds, 0..1."""
        return float(self.correct.mean())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """The winner and its comparisons."""

    candidates: tuple[Candidate, ...]  # by mean validation accuracy, best first
    winner: Candidate
    best: Candidate  # by mean validation accuracy alone, of the points that may win
    unbound_winner: Candidate  # if the controls, too, may win
    differences: tuple[Difference, ...]  # the best against each of the others
    winner_differences: tuple[Difference, ...]  # the winner against each of the others
    learned: Candidate | None  # the best with a learned reducer, if there is any
    learned_differences: tuple[Difference, ...]  # that one against the backbone and the controls at its token count
    reference_differences: tuple[Difference, ...]  # each but the controls against no reducer and average pooling
    seed_deviation: float  # standard deviation of an accuracy from seed to seed
    is_seed_deviation_measured: bool  # pooled over the candidates; False: the assumed one, as each had one seed


def choose(candidates: Sequence[Candidate], *, contenders: Sequence[str], assumed_seed_deviation: float) -> Choice:
    """Chooses the cheapest point whose difference to the best is within one standard error.

    Args:
        candidates: Trained equally long, with the same seeds, measured on the same images.
        contenders: Token reducers that may win; the network without one may, too.
        assumed_seed_deviation: Standard deviation of an accuracy from seed to seed, 0..1, where one seed shows none.

    Returns:
        The choice.

    Reference:
        Breiman et al., "Classification and Regression Trees", section 3.4.3 (the one-standard-error rule).
    """
    measured_deviation = pool_seed_deviation(candidates)
    deviation = assumed_seed_deviation if measured_deviation is None else measured_deviation
    ranked = sorted(candidates, key=lambda candidate: (-candidate.accuracy, candidate.macs))
    learned = [candidate for candidate in ranked if is_learned(candidate.network)]
    free = [candidate for candidate in ranked if candidate.network.token_reducer in (None, *contenders)]
    runners = free or ranked
    best = runners[0]
    winner = _find_cheapest(runners, deviation)
    controls = find_controls(learned[0].network) if learned else ()
    return Choice(
        candidates=tuple(ranked),
        winner=winner,
        best=best,
        unbound_winner=_find_cheapest(ranked, deviation),
        differences=tuple(compare(best, other, deviation) for other in ranked if other is not best),
        winner_differences=tuple(compare(winner, other, deviation) for other in ranked if other is not winner),
        learned=learned[0] if learned else None,
        learned_differences=tuple(
            compare(learned[0], other, deviation) for other in ranked if other.network in controls
        ),
        reference_differences=tuple(
            compare(candidate, other, deviation)
            for candidate in ranked
            if not is_control(candidate.network)
            for other in ranked
            if other.network in find_references(candidate.network)
        ),
        seed_deviation=deviation,
        is_seed_deviation_measured=measured_deviation is not None,
    )


def _find_cheapest(ranked: Sequence[Candidate], seed_deviation: float) -> Candidate:
    """Returns the cheapest that is within one standard error of the first."""
    differences = [(other, compare(ranked[0], other, seed_deviation)) for other in ranked]
    within = [other for other, difference in differences if difference.difference <= difference.standard_error]
    return min(within, key=lambda candidate: (candidate.macs, -candidate.accuracy))


def compare(candidate: Candidate, other: Candidate, seed_deviation: float) -> Difference:
    """Measures how much more accurate one configuration is than another, and the standard error of that.

    The images are a sample, and so are the seeds: the variance of the mean difference is that of the images' mean
    differences over their number, plus that between seeds (of both points) over theirs. How two trainings of one
    configuration disagree on an image is part of both terms, which widens the interval a little.

    Args:
        candidate: One point.
        other: Another, with the same seeds and images.
        seed_deviation: Standard deviation of an accuracy from seed to seed, 0..1.
    """
    differences = candidate.correct.mean(axis=0) - other.correct.mean(axis=0)  # [examples]
    seeds, examples = candidate.correct.shape
    variance = differences.var(ddof=1) / examples if examples > 1 else 0.0
    variance += 2 * seed_deviation**2 / seeds
    return Difference(
        point=candidate.name,
        than=other.name,
        difference=float(differences.mean()),
        standard_error=math.sqrt(variance),
    )


def pool_seed_deviation(candidates: Sequence[Candidate]) -> float | None:
    """Estimates the standard deviation of an accuracy from seed to seed, the same for all points.

    Args:
        candidates: With any number of seeds each.

    Returns:
        The root of the pooled variance; None if each has one seed.
    """
    accuracies = [candidate.correct.mean(axis=1) for candidate in candidates]  # [seeds] each
    degrees = sum(len(each) - 1 for each in accuracies)
    squares = sum(np.square(each - each.mean()).sum() for each in accuracies)
    return math.sqrt(squares / degrees) if degrees else None
