"""How well a short training predicts the ranking of points after a full one, and what it costs.

Points are trained fully from random weights, and shortly in several ways: from random weights, on fewer images, and
from the weights of one trained backbone. The score of a search is the accuracy of a short training on the valid split;
the ranking is by the accuracy of full trainings on the test split, averaged over the seeds. Trainings are kept in
`--state` epoch by epoch: after an interruption the same command continues.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.stats

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table
from benchmarks.splits import ALL_IMAGES, SAMPLE, open_splits
from benchmarks.trainings import classify, make_fitter
from components import features
from components.trainer.config import Schedule
from components.trainer.data.examples import read_examples
from models.macs import count_macs
from models.search_space import name_point
from models.vit_config import ViTConfig
from pipeline.config import FULL

_RESAMPLES = 2000  # of the points, for the interval
_SEED = 1  # of the resamples
_WHOLE = "full training"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """What is trained."""

    tfds_dir: pathlib.Path = SAMPLE
    state: pathlib.Path = pathlib.Path("pipeline_root/search_scores-short")
    placements: tuple[int, ...] = (1,)
    token_counts: tuple[int, ...] = (1, 8)
    epochs: int = 2  # of a full training
    backbone_epochs: int = 1
    few_images: int = 1000
    seeds: int = 1


def list_ways(effort: Effort) -> dict[str, tuple[Schedule, int, int | None]]:
    """Lists the ways to train: schedule, epochs of it, and training images, None for all.

    The two ways from a backbone are one training, stopped after its first or its second cycle.
    """
    backbone, few = effort.backbone_epochs, effort.few_images
    warm = Schedule(cycles=(1, 1), backbone_epochs=backbone)
    return {
        "1 epoch": (Schedule(cycles=(1,)), 1, None),
        f"4 epochs of {few:,} images": (Schedule(cycles=(4,)), 4, few),
        f"1 epoch from a backbone of {backbone}": (warm, 1, None),
        f"1 and 1 epochs from a backbone of {backbone}": (warm, 2, None),
        _WHOLE: (Schedule(cycles=(effort.epochs,)), effort.epochs, None),
    }


def list_points(effort: Effort) -> tuple[ViTConfig, ...]:
    """Lists no reducer, and each reducer of the default space of `full` at the placements and token counts."""
    search = dataclasses.replace(
        FULL.search, placements=effort.placements, token_counts=effort.token_counts, max_mmacs=None
    )
    return dataclasses.replace(FULL, search=search).trainer(code_digest="").affordable_points()


def measure(effort: Effort) -> list[Row]:
    """Trains all points in all ways, and evaluates full trainings on the test split."""
    splits = open_splits(effort.tfds_dir)
    train, valid, test = (read_examples([splits.locate(split)], splits.transform) for split in features.SPLITS)
    fitters = {
        images: make_fitter(FULL.model.backbone(FULL.task), FULL.fit, train.first(images), valid, effort.state)
        for images in (None, effort.few_images)
    }
    rows = []
    for i, (way, (schedule, epochs, images)) in itertools.product(range(effort.seeds), list_ways(effort).items()):
        seed = FULL.fit.seed + i
        fitter = fitters[images]
        for point in list_points(effort):
            training = fitter.fit(point, seed=seed, schedule=schedule, epochs=epochs)
            history = training.epochs[:epochs]  # a resumed benchmark may find more
            row: Row = {
                "way": way,
                "point": name_point(point),
                "seed": seed,
                "macs": count_macs(point).total,
                "images": len(fitter.train) * epochs,
                "backbone_images": len(fitter.train) * schedule.backbone_epochs,
                "valid_accuracy": history[-1].valid_accuracy,
                "seconds": sum(epoch.seconds for epoch in history),
            }
            if way == _WHOLE:
                row["test_accuracy"] = float(np.mean(classify(fitter, point, training, test)))
            rows.append(row)
            print(row, flush=True)
    return rows


def summarize(rows: Sequence[Row]) -> Summary:
    """Correlates the scores of each way with the ranking by full trainings."""
    points = list(dict.fromkeys(row["point"] for row in rows))
    ways = list(dict.fromkeys(row["way"] for row in rows))
    seeds = sorted({row["seed"] for row in rows})
    whole = [row for row in rows if row["way"] == _WHOLE]
    truth = np.array([np.mean([row["test_accuracy"] for row in whole if row["point"] == point]) for point in points])
    cost_of_all = sum(row["images"] * row["macs"] for row in whole) / len(seeds)
    lines = []
    for way in ways:
        found = {(row["point"], row["seed"]): row for row in rows if row["way"] == way}
        taus, intervals = [], []
        for seed in seeds:
            scores = np.array([found[point, seed]["valid_accuracy"] for point in points])
            taus.append(scipy.stats.kendalltau(scores, truth).statistic)
            intervals.append(_resample(scores, truth))
        low, high = np.mean(intervals, axis=0)
        of_backbone = max(row["macs"] for row in rows) * next(iter(found.values()))["backbone_images"]
        cost = sum(row["images"] * row["macs"] for row in found.values()) / len(seeds) + of_backbone
        tau = float(np.mean(taus))
        each = ", ".join(f"{value:.2f}" for value in taus)
        lines.append((way, f"{tau:.2f} ({low:.2f} to {high:.2f})", each, f"{cost / cost_of_all:.0%}"))
    accuracies = Table(
        "Test accuracy after full training, mean over the seeds",
        ("point", "million MACs", "accuracy", *(f"valid, {way}" for way in ways)),
        tuple(_list_accuracies(rows, point, ways, accuracy) for point, accuracy in zip(points, truth, strict=True)),
    )
    title = f"Kendall's tau-b with the ranking of {len(points)} points after full training, {len(seeds)} seeds"
    columns = ("score: valid accuracy after", "tau-b (95%, points resampled)", "each seed", "cost")
    return Summary((Table(title, columns, tuple(lines)), accuracies))


def _list_accuracies(rows: Sequence[Row], point: str, ways: Sequence[str], accuracy: float) -> tuple[str, ...]:
    some = [row for row in rows if row["point"] == point]
    means = [np.mean([row["valid_accuracy"] for row in some if row["way"] == way]) for way in ways]
    return (point, f"{some[0]['macs'] / 1e6:.2f}", f"{accuracy:.1%}", *(f"{mean:.1%}" for mean in means))


def _resample(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Returns the 95% interval of tau-b over resamples of the points."""
    draw = np.random.default_rng(_SEED)
    taus = []
    for _ in range(_RESAMPLES):
        chosen = draw.integers(0, len(scores), len(scores))
        taus.append(scipy.stats.kendalltau(scores[chosen], truth[chosen]).statistic)
    low, high = np.nanpercentile(taus, (2.5, 97.5))
    return float(low), float(high)


_FULL = Effort(
    tfds_dir=ALL_IMAGES,
    state=pathlib.Path("pipeline_root/search_scores"),
    placements=FULL.search.placements,
    token_counts=(1, *FULL.search.token_counts),
    epochs=6,
    backbone_epochs=4,
    few_images=10_000,
    seeds=2,
)
BENCHMARK = Benchmark("search_scores", measure, summarize, Effort(), _FULL, seeds=(1, 2))

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
