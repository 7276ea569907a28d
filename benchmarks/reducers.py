"""The gain of learned token reducers: one backbone with no reducer, each learned reducer and each control, on test.

All reducers have the same placement and token count and are trained alike. Trainings are kept in `--state` epoch by
epoch: after an interruption the same command continues. The test split is read after all trainings.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.networks import find_network
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import format_spread, take_turns
from benchmarks.splits import ALL_IMAGES, SAMPLE, open_splits
from benchmarks.training_speed import prepare_training
from benchmarks.trainings import describe_training, make_fitter, measure_accuracy, read_candidates
from components import features
from components.evaluator.intervals import compare_paired
from components.trainer.config import Schedule
from components.trainer.data.examples import read_examples
from components.trainer.search.selection import compare, pool_seed_deviation
from models.reducers.registry import REDUCERS, TokenReducer
from models.search_space import NO_REDUCER, is_control, is_learned, name_point, strip_reducer
from models.vit_config import ViTConfig
from pipeline.config import FULL, QUICK

_SECONDS = 5.0  # of each network in a round


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose winner sets placement and token count; None: the run in results/
    others: tuple[TokenReducer, ...] = ("average_pooling",)  # in place of the winner's reducer
    tfds_dir: pathlib.Path = SAMPLE
    state: pathlib.Path = pathlib.Path("pipeline_root/reducers-short")
    epochs: int = 1
    seeds: int = 1
    rounds: int = 0  # in which training speed is measured


def list_networks(root: pathlib.Path | None, others: Sequence[TokenReducer]) -> tuple[ViTConfig, ...]:
    """Lists the winner, or else a point of full, with a learned reducer; its backbone; and it with the others."""
    points = (find_network(root), *FULL.trainer(code_digest="").affordable_points())
    learned = next(point for point in points if is_learned(point))
    replaced = (dataclasses.replace(learned, token_reducer=reducer) for reducer in others)
    return tuple(dict.fromkeys((learned, strip_reducer(learned), *replaced)))


def measure(effort: Effort) -> list[Row]:
    """Trains, then evaluates on test, then measures speed in turns."""
    splits = open_splits(effort.tfds_dir)
    train, valid, test = (read_examples([splits.locate(split)], splits.transform) for split in features.SPLITS)
    fit = dataclasses.replace(FULL.fit, epochs=effort.epochs)
    networks = list_networks(effort.root, effort.others)
    fitter = make_fitter(strip_reducer(networks[0]), fit, train, valid, effort.state)
    trained = {}
    for seed in range(fit.seed, fit.seed + effort.seeds):
        for network in networks:
            training = fitter.fit(network, seed=seed, schedule=Schedule(cycles=(fit.epochs,)))
            print(f"{name_point(network)}, seed {seed}: {training.best_epoch}", flush=True)
            trained[network, seed] = training
    rows = [describe_training(fitter, network, done, seed, test) for (network, seed), done in trained.items()]
    if effort.rounds:
        ways = {name_point(network): prepare_training(network, FULL.fit, _SECONDS) for network in networks}
        rows += [{"kind": "speed", **row} for row in take_turns(ways, effort.rounds)]
    return rows


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the first point, the learned one, with each of the others, with 95% intervals.

    The intervals include images and seeds, as those of the search do (`components/trainer/search/selection.py`).
    """
    speeds = [row for row in rows if row["kind"] == "speed"]
    candidates = read_candidates(rows)
    learned, first = candidates[0], rows[0]
    seeds, images = learned.correct.shape
    measured = pool_seed_deviation(candidates)
    deviation = (FULL if images >= 10_000 else QUICK).search.seed_deviation if measured is None else measured
    parameters = {row["point"]: row["parameters"] for row in rows if row["kind"] == "training"}
    lines, notes = [], []
    for candidate in candidates:
        point, accuracy = candidate.name, measure_accuracy(candidate, deviation)
        line = [point, f"{accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%})", "", ""]
        if candidate is not learned:
            difference = compare(learned, candidate, deviation)
            pairs = [compare_paired(*pair) for pair in zip(learned.correct, candidate.correct, strict=True)]
            line[2] = _format_points(difference.difference, *difference.interval)
            line[3] = ", ".join(_format_points(pair.difference, pair.low, pair.high) for pair in pairs)
            if is_control(candidate.network) or point == NO_REDUCER:
                better = "beats" if difference.difference > 0 else "loses to"
                verb = better if difference.is_larger_than_noise else "is statistically indistinguishable from"
                notes.append(f"{learned.name} {verb} {point} on test: {line[2]} points.")
        line += [f"{candidate.macs / 1e6:.2f}", f"{parameters[point]:,}"]
        lines.append((*line, *([format_spread([speed[point] for speed in speeds], "{:,.0f}")] if speeds else [])))
    if measured is None:
        assumed = f"the intervals assume a standard deviation of {100 * deviation:.2f} points from seed to seed"
        notes.append(f"Each point was trained once; {assumed}.")
    revisions = dict.fromkeys(row["revision"][:7] for row in rows if "revision" in row)
    if len(revisions) > 1:  # results of earlier versions took over trainings
        notes.append(f"Trained at the revisions {', '.join(revisions)}.")
    columns = ["point", "test top-1 (95%)", f"{learned.name} ahead by, points (95%)", "each seed by itself"]
    columns += ["million MACs", "parameters", *(["training images/s"] if speeds else [])]
    trained = f"{first['train_images']:,} training images, {first['fit']['epochs']} epochs"
    title = f"{trained}, {seeds} seed{'s' * (seeds > 1)}, {images:,} test images"
    return Summary((Table(title, tuple(columns), tuple(lines)),), notes=tuple(notes))


def _format_points(difference: float, low: float, high: float) -> str:
    """Returns such as "+1.2 (-0.3 to +2.7)"."""
    return f"{100 * difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


_FULL = Effort(
    others=tuple(REDUCERS),
    tfds_dir=ALL_IMAGES,
    state=pathlib.Path("pipeline_root/reducers"),
    epochs=20,  # as many as the Keras example
    seeds=3,
    rounds=9,
)
BENCHMARK = Benchmark("reducers", measure, summarize, Effort(), _FULL, seeds=(1, 2, 3))

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
