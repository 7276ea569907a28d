"""The search on the shipped sample: what halving saves and finds, what it costs beside training, what kills do to it.

The Trainer runs by itself, without the steps around it. The short form searches five points of a small network and
kills nothing; the long one trains every point of quick for 9 epochs, and kills 20 times.
"""

import dataclasses
import pathlib
import random
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import SAMPLE
from benchmarks.result import Row, Summary, Table
from benchmarks.splits import open_splits
from benchmarks.trainer import MODEL_RUN, configure, train, train_and_kill
from components.report.search_results import read_search_results
from components.trainer.config import TrainerConfig, TunerName
from components.trainer.fit import checkpoint
from components.trainer.search.choice import measure_difference
from pipeline.config import QUICK

_SEED = 1  # of the moments of kills
_TUNERS: tuple[TunerName, ...] = ("halving", "grid")
_RANKS = ("best", "winner")
_COLUMNS = ("what", "measured")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    max_epochs: int = 2
    kills: int = 0  # none: no search is made for them
    most_seconds_before_kill: float = 10.0  # after a Trainer began
    every_point: bool = False  # of the profile quick


def measure(effort: Effort) -> list[Row]:
    """Searches by halving, trains every point fully, and, where kills are asked for, searches once more under fire."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        state = folder / "state"  # of both, so that no epoch is trained twice
        halving, grid = (_search(folder / tuner, _configure(state, tuner, effort)) for tuner in _TUNERS)
        accuracies = _find_accuracies(grid, effort.max_epochs)
        best = max(accuracies, key=lambda point: accuracies[point])
        halving["against_best"] = {
            rank: _compare_trained(state, halving["found"][rank], best, effort.max_epochs) for rank in _RANKS
        }
        return [halving, grid, *([_search_under_fire(folder, effort)] if effort.kills else [])]


def _configure(state: pathlib.Path, tuner: TunerName, effort: Effort) -> TrainerConfig:
    return configure(
        state,
        every_point=effort.every_point,
        tuner=tuner,
        max_epochs=effort.max_epochs,
        controls_may_win=True,  # every point competes, so that the best of all points is what halving looks for
    )


def _search(folder: pathlib.Path, config: TrainerConfig) -> Row:
    """Searches; `folder` is a new one."""
    seconds = train(config, open_splits(SAMPLE), folder)
    results = read_search_results(folder / MODEL_RUN)
    return {
        "search": config.search.tuner,
        "max_epochs": config.search.max_epochs,
        "trials": [{name: value for name, value in trial.items() if name != "history"} for trial in results.trials],
        "found": results.search,
        "final_fit_seconds": sum(epoch["seconds"] for epoch in results.winner["epochs"]),
        "trainer_seconds": seconds,
    }


def _find_accuracies(row: Row, epochs: int) -> dict[str, float]:
    """Returns the validation accuracy of each point that was trained so long with the first seed."""
    return {
        trial["point"]: trial["valid_accuracy"]
        for trial in row["trials"]
        if trial["epochs"] == epochs and trial["seed"] == QUICK.fit.seed
    }


def _compare_trained(state: pathlib.Path, point: str, best: str, epochs: int) -> dict[str, Any]:
    """Compares two points image by image, by what their full trainings got right; of each there is one seed."""
    correct, other = (_read_correct(state, name, epochs) for name in (point, best))
    behind, standard_error = measure_difference(other[np.newaxis], correct[np.newaxis], QUICK.search.seed_deviation)
    return {
        "point": point,
        "accuracy": float(correct.mean()),
        "best": best,
        "best_accuracy": float(other.mean()),
        "behind": behind,
        "standard_error": standard_error,
    }


def _read_correct(state: pathlib.Path, point: str, epochs: int) -> np.ndarray:
    [path] = state.glob(f"*/{point},seed={QUICK.fit.seed},epochs={epochs}.checkpoint")
    training = checkpoint.load(path)
    assert training is not None
    return training.correct[-1]


def _search_under_fire(folder: pathlib.Path, effort: Effort) -> Row:
    """Kills a search at random moments until it has had enough, then lets it end."""
    draw = random.Random(_SEED)
    config, kills, begin = _configure(folder / "killed", "halving", effort), 0, time.monotonic()
    while kills < effort.kills and train_and_kill(
        config,
        open_splits(SAMPLE),
        folder / f"killed_{kills}",  # TFX gives each try a new folder, too
        draw.uniform(0, effort.most_seconds_before_kill),
    ):
        kills += 1
    found = _search(folder / "after_kills", config)
    return {**found, "search": "killed", "kills": kills, "seconds": time.monotonic() - begin}


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares halving with every point trained fully, and a killed search with the whole one."""
    halving, grid, *under_fire = rows
    accuracies = _find_accuracies(grid, halving["max_epochs"])
    spent = halving["found"]["epochs"]
    both = spent["search"] + spent["finalists"]
    best = halving["against_best"]["best"]
    lines = [
        ("points", str(len(accuracies))),
        (
            "epochs: halving / finalists / every point fully",
            f"{spent['search']} / {spent['finalists']} / {spent['every_point_fully']}",
        ),
        ("halving against every point fully", f"{spent['search'] / spent['every_point_fully']:.0%}"),
        ("with the finalists", f"{both / spent['every_point_fully']:.0%}"),
        ("best of all points, trained fully", f"{best['best']} {best['best_accuracy']:.1%}"),
        *((f"halving's {rank}, trained fully", _tell(halving["against_best"][rank])) for rank in _RANKS),
        ("seconds a trial beside its epochs", f"{_find_overhead(halving):.1f}"),
    ]
    title = f"Halving, {halving['max_epochs']} epochs at most"
    table = Table(title=title, columns=_COLUMNS, rows=tuple(lines))
    return Summary(tables=(table, *(_tell_fire(killed, halving) for killed in under_fire)))


def _tell_fire(killed: Row, whole: Row) -> Table:
    largest = 100 * _find_largest_difference(killed, whole)
    lines = (
        ("kills", str(killed["kills"])),
        ("winner as without kills", str(killed["found"]["winner"] == whole["found"]["winner"])),
        ("largest difference of a validation accuracy", f"{largest:.1f} points"),
        ("minutes", f"{killed['seconds'] / 60:.0f}"),
    )
    return Table(title="SIGKILL at random moments", columns=_COLUMNS, rows=lines)


def _tell(compared: dict[str, Any]) -> str:
    gap = f"{100 * compared['behind']:.1f} behind, standard error {100 * compared['standard_error']:.1f} points"
    return f"{compared['point']} {compared['accuracy']:.1%}, {gap}"


def _find_overhead(row: Row) -> float:
    """Returns the seconds of the Trainer beside the epochs of the search and of the final fit, a trial."""
    trained = sum(trial["seconds"] for trial in row["trials"]) + row["final_fit_seconds"]
    overhead: float = (row["trainer_seconds"] - trained) / len(row["trials"])
    return overhead


def _find_largest_difference(row: Row, expected: Row) -> float:
    """Returns the largest difference of a trial's validation accuracy."""
    pairs = list(zip(row["trials"], expected["trials"], strict=True))
    assert all(trial["point"] == other["point"] for trial, other in pairs)
    return max(abs(trial["valid_accuracy"] - other["valid_accuracy"]) for trial, other in pairs)


BENCHMARK = Benchmark(
    name="search",
    short=Effort(),
    full=Effort(max_epochs=9, kills=20, most_seconds_before_kill=30.0, every_point=True),
    seeds=(_SEED, QUICK.fit.seed),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
