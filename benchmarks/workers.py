"""A search by several workers: trials a minute with one and two processes here, and simulated with up to 64.

The Trainer runs by itself, without the steps around it; the short form trains five points of a small network for one
epoch. The simulation asks the real oracles and lets recorded seconds pass in place of training.
"""

import dataclasses
import itertools
import pathlib
import statistics
import tempfile
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import SAMPLE
from benchmarks.networks import find_model_run
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import Spread
from benchmarks.simulated_search import Clockwork, simulate
from benchmarks.splits import open_splits
from benchmarks.trainer import MODEL_RUN, configure, train
from components.report.search_results import read_search_results
from components.trainer.config import TunerName
from models.reducers.registry import CONTROLS
from models.search_space import SearchSpace
from pipeline.config import FULL, QUICK

_TUNERS: tuple[TunerName, ...] = ("halving", "async_halving")
_SCHEDULE = QUICK.search  # three rungs: what waits shows


def make_space(depth: int) -> SearchSpace:
    """Makes a space of 25 points a block, and one, that is large enough for many workers; nothing of it is trained."""
    return SearchSpace(
        backbone=dataclasses.replace(FULL.model.backbone(), depth=depth),
        placements=tuple(range(depth)),
        token_counts=(1, 2, 4, 8, 16),
        reducers=("token_learner", "token_learner_v11"),
        controls=CONTROLS,
        fusers=(False,),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose recorded trials are simulated; None: those of the search with one worker
    rounds: int = 1  # of searches with each number of workers
    every_point: bool = False  # of the profile quick
    max_epochs: int = 1
    crowds: tuple[int, ...] = (1, 4, 16)  # workers that are simulated
    depths: tuple[int, ...] = (10,)  # of the simulated networks, which the points grow with


def measure(effort: Effort) -> list[Row]:
    """Searches in turns with one and two workers, then simulates."""
    turns = [
        (number, workers) for number in range(1, effort.rounds + 1) for workers in ((1, 2) if number % 2 else (2, 1))
    ]
    with tempfile.TemporaryDirectory() as name:
        searches = [pathlib.Path(name, f"search{number}_{workers}") for number, workers in turns]
        rows: list[Row] = [
            {"kind": "search", "round": number, "workers": workers, **_search(folder, workers, effort)}
            for (number, workers), folder in zip(turns, searches, strict=True)
        ]
        seconds = _read_epoch_seconds(find_model_run(effort.root) if effort.root else searches[0] / MODEL_RUN)
        for number, (depth, tuner, workers) in enumerate(itertools.product(effort.depths, _TUNERS, effort.crowds)):
            clockwork = Clockwork(make_space(depth), seconds)
            config = dataclasses.replace(_SCHEDULE, tuner=tuner)
            outcome = simulate(clockwork, config, workers, pathlib.Path(name, f"simulation{number}"))
            facts = {"kind": "simulation", "tuner": tuner, "workers": workers, "points": len(clockwork.points)}
            rows.append({**facts, **dataclasses.asdict(outcome), "recorded": statistics.median(seconds)})
    return rows


def _search(folder: pathlib.Path, workers: int, effort: Effort) -> Row:
    """Searches anew."""
    config = configure(folder / "state", every_point=effort.every_point, workers=workers, max_epochs=effort.max_epochs)
    seconds = train(config, open_splits(SAMPLE), folder)
    results = read_search_results(folder / MODEL_RUN)
    return {"trials": len(results.trials), "trainer_seconds": seconds, "winner": results.search["winner"]}


def _read_epoch_seconds(model_run: pathlib.Path) -> list[float]:
    return [epoch["seconds"] for trial in read_search_results(model_run).trials for epoch in trial["history"]]


def summarize(rows: Sequence[Row]) -> Summary:
    """Tells trials a minute, and what waits."""
    searches = [row for row in rows if row["kind"] == "search"]
    simulations = [row for row in rows if row["kind"] == "simulation"]
    tables = [_tell_searches(searches)]
    tables += [
        _tell_simulations([row for row in simulations if row["points"] == points])
        for points in dict.fromkeys(row["points"] for row in simulations)
    ]
    winners = {row["winner"] for row in searches}
    same = "All searches had the same winner." if len(winners) == 1 else f"Winners: {', '.join(sorted(winners))}."
    return Summary(
        tables=tuple(tables),
        notes=(same, "Accuracies are drawn in the simulation: which points win there means nothing."),
    )


def _tell_searches(searches: Sequence[Row]) -> Table:
    lines = []
    for workers in sorted({row["workers"] for row in searches}):
        of_crowd = [row for row in searches if row["workers"] == workers]
        speed = Spread.of(60 * row["trials"] / row["trainer_seconds"] for row in of_crowd).tell("{:.1f}")
        seconds = Spread.of(row["trainer_seconds"] for row in of_crowd).tell("{:.0f}")
        lines.append((str(workers), str(of_crowd[0]["trials"]), seconds, speed))
    title = f"Search on this machine, start of the workers and reading included, {searches[0]['round']} round(s)"
    columns = ("workers", "trials", "Trainer's seconds", "trials a minute")
    return Table(title=title, columns=columns, rows=tuple(lines))


def _tell_simulations(simulations: Sequence[Row]) -> Table:
    first = simulations[0]
    title = (
        f"Simulated: {first['points']:,} points, {_SCHEDULE.min_epochs} to {_SCHEDULE.max_epochs} epochs, of recorded "
        f"seconds (median {first['recorded']:.1f} an epoch)"
    )
    lines = []
    for row in simulations:
        alone = next(other for other in simulations if (other["tuner"], other["workers"]) == (row["tuner"], 1))
        lines.append(
            (
                row["tuner"],
                str(row["workers"]),
                f"{row['seconds'] / 3600:.2f}",
                f"{60 * row['trials'] / row['seconds']:.1f}",
                str(row["epochs"]),
                f"{1 - row['busy_seconds'] / (row['workers'] * row['seconds']):.0%}",
                f"{alone['seconds'] / row['seconds']:.1f}x",
            )
        )
    columns = ("tuner", "workers", "hours", "trials a minute", "epochs", "workers waited", "as fast as one worker")
    return Table(title=title, columns=columns, rows=tuple(lines))


BENCHMARK = Benchmark(
    name="workers",
    short=Effort(),
    full=Effort(
        rounds=3, every_point=True, max_epochs=QUICK.search.max_epochs, crowds=(1, 2, 4, 8, 16, 32, 64), depths=(10, 40)
    ),
    seeds=(1,),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
