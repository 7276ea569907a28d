"""Images a second of the input pipeline alone against the training step that it feeds, in turns.

Measured for the profile full's network, or the winner of a root, and for the fastest one of quick, the hardest to feed.
"""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import ALL_IMAGES, SAMPLE
from benchmarks.networks import find_network
from benchmarks.result import Row, Summary, Table, Target, judge_target
from benchmarks.rounds import Spread, compare, take_turns
from benchmarks.splits import open_splits
from benchmarks.training import Training
from components import features
from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples, count_batches, training_batches
from models.vit_config import ViTConfig
from pipeline.config import FULL, QUICK

_SEED = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # finished pipeline root; None: the run in results/
    tfds_dir: pathlib.Path = SAMPLE
    rounds: int = 3
    seconds: float = 2.0  # of training in a round


def find_fastest() -> ViTConfig:
    """Returns the network of quick that is the hardest to feed."""
    return dataclasses.replace(
        QUICK.model.backbone(),
        token_reducer=QUICK.search.reducers[0],
        blocks_before_token_learner=min(QUICK.search.placements),
        num_tokens=min(QUICK.search.token_counts),
    )


def measure_input(examples: Examples, fit: FitConfig) -> float:
    """Returns images a second of one epoch without training."""
    count = count_batches(examples, fit)
    batches = training_batches(examples, fit, seed=_SEED, first_epoch=0)
    begin = time.monotonic()
    batches.take(count).reduce(0, lambda count, _: count + 1).numpy()
    return count * fit.batch_size / (time.monotonic() - begin)


def measure(effort: Effort) -> list[Row]:
    """Reads the train split once, then feeds and trains in turns."""
    profiles = {"full": (find_network(effort.root), FULL.fit), "quick": (find_fastest(), QUICK.fit)}
    splits = open_splits(effort.tfds_dir)
    begin = time.monotonic()
    examples = splits.read(features.TRAIN_SPLIT)
    once = {"images": len(examples), "first_pass_seconds": time.monotonic() - begin}
    rows: list[Row] = []
    for profile, (network, fit) in profiles.items():
        batches = training_batches(examples, fit, seed=_SEED, first_epoch=0)
        ways = _list_ways(examples, fit, network, batches, effort.seconds)
        rows += [{"profile": profile, **once, **row} for row in take_turns(ways, effort.rounds)]
    return rows


def _list_ways(
    examples: Examples, fit: FitConfig, network: ViTConfig, batches: tf.data.Dataset, seconds: float
) -> dict[str, Callable[[], float]]:
    training = Training.of(network, fit, batches)
    return {"input": lambda: measure_input(examples, fit), "training": lambda: training.measure(seconds)}


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares input and training of each profile."""
    first = rows[0]
    title = f"Input against training, {first['images']:,} images, images/s, median (least to most) of rounds"
    lines = [("input, once: reads, decodes, keeps", f"{first['images'] / first['first_pass_seconds']:,.0f}")]
    targets: list[Target] = []
    for profile in dict.fromkeys(row["profile"] for row in rows):
        of_profile = [row for row in rows if row["profile"] == profile]
        ratio = compare(of_profile, "input", "training")
        lines += [
            (f"{profile}: input, every epoch, from decoded pixels", _tell(of_profile, "input")),
            (f"{profile}: training, fed by it", _tell(of_profile, "training")),
            (f"{profile}: input / training", ratio.tell("{:.1f}x")),
        ]
        if profile == "full":
            what = "input pipeline alone against the training step, images/s"
            targets.append(judge_target(what, ratio.tell("{:.1f}x"), ratio.median, floor=5, aim=10, form="{:.0f}x"))
    return Summary(
        tables=(Table(title=title, columns=("what", "measured"), rows=tuple(lines)),), targets=tuple(targets)
    )


def _tell(rows: Sequence[Row], way: str) -> str:
    return Spread.of(row[way] for row in rows).tell("{:,.0f}")


BENCHMARK = Benchmark(
    name="input_pipeline",
    short=Effort(),
    full=Effort(tfds_dir=ALL_IMAGES, rounds=9, seconds=5.0),
    seeds=(_SEED,),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
