"""The choice of a search and its uncertainty: `search.json` in the Trainer's model run folder."""

import dataclasses
import pathlib

import pydantic

from models.search_space import name_references

SEARCH_FILE = "search.json"

_Z_95 = 1.959964  # half width of a 95% interval of the normal distribution, in standard errors


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one configuration is than another on the same valid images, whatever the seed."""

    point: str
    than: str
    difference: float  # of mean validation accuracies, -1..1
    standard_error: float  # of the images and of the seeds

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval, by the normal distribution."""
        return self.difference - _Z_95 * self.standard_error, self.difference + _Z_95 * self.standard_error

    @property
    def is_larger_than_noise(self) -> bool:
        """Whether the 95% interval leaves out 0."""
        low, high = self.interval
        return low > 0 or high < 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finalist:
    """A point that was trained fully, with every seed."""

    point: str  # such as "token_learner-8@2"
    macs: int  # multiply-accumulates an image
    valid_accuracies: tuple[float, ...]  # of each seed, 0..1
    valid_images: int

    @property
    def valid_accuracy(self) -> float:
        """The mean over the seeds."""
        return sum(self.valid_accuracies) / len(self.valid_accuracies)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Untrained:
    """A point without a result."""

    point: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spending:
    """Epochs that the search took."""

    backbone: int  # whose weights all points start from
    search: int
    finalists: int
    every_point_fully: int  # that a search without early stopping would have taken


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchOutcome:
    """The choice of a search."""

    winner: str  # a point
    best: str  # by mean validation accuracy alone, of the points that may win
    sentences: tuple[str, ...]  # the choice in words
    finalists: tuple[Finalist, ...]  # best first
    differences: tuple[Difference, ...]  # the best against each of the others
    winner_differences: tuple[Difference, ...]  # the winner against each of the others
    learned: str | None  # the best with a learned reducer
    learned_differences: tuple[Difference, ...]  # that one against no reducer and the controls at its token count
    reference_differences: tuple[Difference, ...]  # each finalist but the controls against no reducer and pooling
    seed_deviation: float  # standard deviation of an accuracy from seed to seed, 0..1
    is_seed_deviation_measured: bool  # else assumed, as each finalist had one seed
    epochs: Spending
    dropped: tuple[Untrained, ...]  # too expensive
    failed: tuple[Untrained, ...]
    skipped: tuple[Untrained, ...]  # because the time of the search was over

    def compare(self, point: str, than: str) -> Difference | None:
        """Returns how much better one finalist is than another; None: they were not compared."""
        differences = (*self.winner_differences, *self.reference_differences)
        return next((each for each in differences if (each.point, each.than) == (point, than)), None)

    def find_references(self, point: str) -> tuple[Difference | None, Difference | None]:
        """Returns how much better a finalist is than no reducer, and than average pooling in its reducer's place."""
        no_reducer, pooling = name_references(point)
        return self.compare(point, no_reducer), self.compare(point, pooling)


_OUTCOME = pydantic.TypeAdapter(SearchOutcome)


def write_search(outcome: SearchOutcome, folder: pathlib.Path) -> None:
    """Writes `search.json` into the model run folder."""
    (folder / SEARCH_FILE).write_bytes(_OUTCOME.dump_json(outcome, indent=2))


def read_search(folder: pathlib.Path) -> SearchOutcome:
    """Reads `search.json`.

    Args:
        folder: The Trainer's model run folder.

    Returns:
        The outcome.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: This version's `write_search` did not write it.
    """
    return _OUTCOME.validate_json((folder / SEARCH_FILE).read_bytes())
