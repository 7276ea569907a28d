"""Recipes of the profile quick compared on the valid split: optimizer, learning rate, batch size, epochs and stem.

Each recipe trains the same point on the sample's train split, seed by seed. All are scored on the valid split of all
images, ten times the images that select within a run and none of which is trained on; test images are never read.
Trainings are kept in `--state`: after an interruption the same command continues.

Axes: seeds, examples.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table
from benchmarks.splits import ALL_IMAGES, SAMPLE, open_splits
from benchmarks.trainings import classify, make_fitter
from components import features
from components.trainer.config import Schedule
from components.trainer.data.examples import read_examples
from models.macs import count_macs
from models.presets import PRESETS
from models.search_space import name_point
from models.vit_config import ViTConfig
from pipeline.config import QUICK

_AS_IS = "quick"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """What is trained."""

    tfds_dir: pathlib.Path = SAMPLE  # whose valid split scores
    state: pathlib.Path = pathlib.Path("pipeline_root/recipes-short")
    recipes: tuple[str, ...] = (_AS_IS,)
    epochs: int | None = 1  # None: those of the recipe
    seeds: int = 1


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What differs from the profile quick."""

    fit: dict[str, Any] = dataclasses.field(default_factory=dict)  # fields of FitConfig
    backbone: str = "residual_stem"  # a preset


RECIPES = {
    _AS_IS: Recipe(),
    "AdamW": Recipe({"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 0.05}),  # its best, see results.md
    "learning rate 6e-3": Recipe({"learning_rate": 6e-3}),
    "learning rate 1.5e-2": Recipe({"learning_rate": 1.5e-2}),
    "weight decay 0.1": Recipe({"weight_decay": 0.1}),
    "weight decay 0.4": Recipe({"weight_decay": 0.4}),
    "average 0.95": Recipe({"ema_momentum": 0.95}),
    "batch 32": Recipe({"batch_size": 32}),
    "batch 128": Recipe({"batch_size": 128}),
    "12 epochs": Recipe({"epochs": 12}),
    "30 epochs": Recipe({"epochs": 30}),
    "convolution stem, 20 epochs": Recipe({}, "convolution_stem"),
    "convolution stem, 38 epochs": Recipe({"epochs": 38}, "convolution_stem"),  # as many MACs as quick
}


def make_point(recipe: Recipe) -> ViTConfig:
    """Makes the network: 8 tokens of TokenLearner v1.1 after the first block."""
    backbone = PRESETS[recipe.backbone]
    return dataclasses.replace(backbone, token_reducer="token_learner_v11", num_tokens=8, blocks_before_token_learner=1)


def measure(effort: Effort) -> list[Row]:
    """Trains each recipe with each seed."""
    sample, scored = open_splits(SAMPLE), open_splits(effort.tfds_dir)
    train, valid = (
        read_examples([sample.locate(split)], sample.transform)
        for split in (features.TRAIN_SPLIT, features.VALID_SPLIT)
    )
    images = read_examples([scored.locate(features.VALID_SPLIT)], sample.transform)
    rows = []
    for seed in range(QUICK.fit.seed, QUICK.fit.seed + effort.seeds):
        for name in effort.recipes:
            recipe = RECIPES[name]
            changes = recipe.fit | ({} if effort.epochs is None else {"epochs": effort.epochs})
            fit = dataclasses.replace(QUICK.fit, **changes)
            network = make_point(recipe)
            fitter = make_fitter(PRESETS[recipe.backbone], fit, train, valid, effort.state)
            training = fitter.fit(network, seed=seed, schedule=Schedule(cycles=(fit.epochs,)))
            correct = classify(fitter, network, training, images)
            row: Row = {
                "recipe": name,
                "point": name_point(network),
                "fit": dataclasses.asdict(fit),
                "seed": seed,
                "macs": count_macs(network).total,
                "train_images": len(train),
                "valid_images": len(images),
                "valid_accuracy": float(np.mean(correct)),
                "seconds": sum(epoch.seconds for epoch in training.epochs),
            }
            rows.append(row)
            print(row, flush=True)
    return rows


def summarize(rows: Sequence[Row]) -> Summary:
    """Averages over the seeds and compares with the profile seed by seed."""
    by_recipe: dict[str, list[Row]] = {}
    for row in rows:
        by_recipe.setdefault(row["recipe"], []).append(row)
    base, lines = by_recipe[_AS_IS], []
    for name, some in by_recipe.items():
        accuracies, bases = (np.array([row["valid_accuracy"] for row in each]) for each in (some, base))
        differences = ", ".join(f"{100 * difference:+.1f}" for difference in accuracies - bases)
        cost, cost_of_base = (each[0]["macs"] * each[0]["fit"]["epochs"] for each in (some, base))
        each = "" if name == _AS_IS else differences
        lines.append((name, f"{accuracies.mean():.1%}", each, f"{cost / cost_of_base:.2f}x"))
    first = rows[0]
    seeds = len({row["seed"] for row in rows})
    title = (
        f"{first['point']}, {first['train_images']:,} training images, {seeds} seed{'s' * (seeds > 1)}, "
        f"{first['valid_images']:,} valid images"
    )
    columns = ("recipe", "valid top-1, mean", "ahead of quick by, points, each seed", "MACs of the training")
    return Summary((Table(title, columns, tuple(lines)),))


_FULL = Effort(
    tfds_dir=ALL_IMAGES, state=pathlib.Path("pipeline_root/recipes"), recipes=tuple(RECIPES), epochs=None, seeds=3
)
BENCHMARK = Benchmark("recipes", measure, summarize, Effort(), _FULL, seeds=(1, 2, 3))

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
