"""The results of a search as report and card show them: trials, points and Pareto front."""

import dataclasses
import math
import pathlib
from collections.abc import Iterable

from components.artifacts.search_outcome import SearchOutcome, read_search
from components.artifacts.trial import Trial, read_trials
from components.artifacts.winner import Winner, read_winner
from models.search_space import name_references


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """A point of the space after some epochs of training, averaged over its seeds."""

    name: str  # such as "token_learner-8@2"
    reducer: str  # "no_reducer": all blocks see all patches
    placement: int | None  # encoder blocks before the token reducer
    num_tokens: int | None
    use_token_fuser: bool
    epochs: int  # trained
    macs: int  # true multiply-accumulates an image
    accuracies: tuple[float, ...]  # on the valid split, of each seed, 0..1

    @property
    def accuracy(self) -> float:
        """The mean over the seeds."""
        return sum(self.accuracies) / len(self.accuracies)

    @property
    def kind(self) -> str:
        """The reducer, with its fuser."""
        return f"{self.reducer} with fuser" if self.use_token_fuser else self.reducer


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchResults:
    """The content of the Trainer's model run folder."""

    trials: tuple[Trial, ...]
    search: SearchOutcome
    winner: Winner

    @property
    def points(self) -> tuple[Point, ...]:
        """The points by epochs, in the order in which they were tried."""
        completed = (trial for trial in self.trials if trial.status == "completed" and trial.stage != "backbone")
        return tuple(_average(completed))

    @property
    def macs_of_backbone(self) -> int | None:
        """Multiply-accumulates of the winner's network without TokenLearner, if it is in the space."""
        no_reducer, _ = name_references(self.winner.point)
        return next((trial.macs for trial in self.trials if trial.point == no_reducer), None)

    def noise(self, point: Point) -> float:
        """Returns the standard error of a point's accuracy: binomial over the images, and from seed to seed."""
        variance = point.accuracy * (1 - point.accuracy) / self.winner.valid_images
        variance += self.search.seed_deviation**2 / len(point.accuracies)
        return math.sqrt(variance)


def read_search_results(model_run: pathlib.Path) -> SearchResults:
    """Reads the Trainer's folder.

    Args:
        model_run: The folder.

    Returns:
        Its content.
    """
    return SearchResults(trials=read_trials(model_run), search=read_search(model_run), winner=read_winner(model_run))


def _average(trials: Iterable[Trial]) -> Iterable[Point]:
    grouped: dict[tuple[str, int], dict[int, Trial]] = {}
    for trial in trials:  # a finalist's first seed is its search trial over again: one value a seed
        grouped.setdefault((trial.point, trial.epochs), {})[trial.seed] = trial
    for (name, epochs), seeds in grouped.items():
        first = next(iter(seeds.values()))
        accuracies = [trial.valid_accuracy for _, trial in sorted(seeds.items())]
        yield Point(
            name=name,
            reducer=first.config["token_reducer"],
            placement=first.config.get("blocks_before_token_learner"),
            num_tokens=first.config.get("num_tokens"),
            use_token_fuser=bool(first.config.get("use_token_fuser")),
            epochs=epochs,
            macs=first.macs,
            accuracies=tuple(accuracy for accuracy in accuracies if accuracy is not None),
        )


def find_front(points: Iterable[Point]) -> tuple[Point, ...]:
    """Finds the points that none other dominates.

    Args:
        points: Trained equally long.

    Returns:
        Those that are more accurate than all that cost as much or less, cheapest first.
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.macs, -point.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return tuple(front)


def find_common_epochs(points: Iterable[Point]) -> tuple[int, ...]:
    """Finds after how many epochs points compare: when most of them were measured, and at the end of the search."""
    counts: dict[int, int] = {}
    for point in points:
        counts[point.epochs] = counts.get(point.epochs, 0) + 1
    if not counts:
        return ()
    most = max(counts, key=lambda epochs: (counts[epochs], epochs))
    return tuple(sorted({most, max(counts)}))
