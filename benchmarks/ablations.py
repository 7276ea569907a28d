"""What each choice in the profile full is worth: its network and training, changed in one place at a time, on valid.

Every training is kept epoch by epoch in `--state`: the same command goes on where a killed one stopped. The test split
is not read.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import rounds
from benchmarks.answers import gather_candidate, pack_answers
from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import ALL_IMAGES, SAMPLE, assume_seed_deviation
from benchmarks.kept_training import KeptTrainings, Planned
from benchmarks.networks import find_network
from benchmarks.result import Row, Summary, Table
from benchmarks.training import measure_speeds
from components.trainer.search.selection import compare
from components.trainer.training.checkpoint import Checkpoint
from models.macs import count_macs
from models.search_space import name_point
from pipeline.config import FULL
from pipeline.failures import Failure

_AS_IT_IS, _OTHER_SEED = "as it is", "another seed"
_CHANGES: Mapping[str, Mapping[str, Any]] = {  # of fields of the network or of the training
    _AS_IT_IS: {},
    _OTHER_SEED: {},
    "stem: plain convolutions": {"stem": "convolution"},
    "stem: linear patches": {"stem": "linear"},
    "heads as wide as the network": {"head_dim": 64},
    "reducer after 3 of 4 blocks": {"blocks_before_token_learner": 3},
    "6 blocks": {"depth": 6},
    "96 channels": {"dim": 96, "mlp_dims": (192,)},
    "sine-cosine positions": {"positions": "sincos_2d"},
    "sequence pooling": {"pooling": "sequence"},
    "dropout 0.1": {"dropout_rate": 0.1},
    "learning rate 0.002": {"learning_rate": 2e-3},
    "learning rate 0.008": {"learning_rate": 8e-3},
    "batches of 64": {"batch_size": 64},
    "batches of 256": {"batch_size": 256},
    "batches of 256, learning rate 0.008": {"batch_size": 256, "learning_rate": 8e-3},
    "no warm-up": {"warmup_share": 0.0},
    "no crops": {"crop_padding": 0},
    "weight decay 0.02": {"weight_decay": 0.02},
    "weight decay 0.1": {"weight_decay": 0.1},
    "no average of the weights": {"ema_momentum": 0.0},
    "no label smoothing": {"label_smoothing": 0.0},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose winner is changed; None: that of the run in results/
    tfds_dir: pathlib.Path = SAMPLE
    state: pathlib.Path = pathlib.Path("pipeline_root/ablations-short")  # outlives kills
    changes: tuple[str, ...] = (_OTHER_SEED,)  # by name
    epochs: int = 1
    most_images: int | None = 640  # of the train split; None: all
    rounds: int = 0  # in which training speed is measured
    seconds: float = 1.0  # of each network in a round


def measure(effort: Effort) -> list[Row]:
    """Trains what is not trained yet, then measures speed in turns."""
    names = tuple(dict.fromkeys((_AS_IT_IS, *effort.changes)))
    if not set(names) <= set(_CHANGES):
        raise Failure(f"--changes is {', '.join(effort.changes)}; name some of {', '.join(_CHANGES)}")
    plan = {name: _plan(name, effort) for name in names}
    trainings = KeptTrainings(effort.tfds_dir, effort.state, effort.most_images).run(list(plan.values()))
    rows = [_describe(planned, training) for planned, training in zip(plan.values(), trainings, strict=True)]
    trained = {name: (planned.network, planned.fit) for name, planned in plan.items()}
    return rows + measure_speeds(trained, effort.rounds, effort.seconds)


def _plan(name: str, effort: Effort) -> Planned:
    network, fit = find_network(effort.root), dataclasses.replace(FULL.fit, epochs=effort.epochs)
    of_network = {key: value for key, value in _CHANGES[name].items() if hasattr(network, key)}
    of_fit = {key: value for key, value in _CHANGES[name].items() if key not in of_network}
    return Planned(
        name=name,
        network=dataclasses.replace(network, **of_network),
        fit=dataclasses.replace(fit, **of_fit),
        seed=fit.seed + (name == _OTHER_SEED),
    )


def _describe(planned: Planned, training: Checkpoint) -> Row:
    correct = training.correct[-1]  # of the last epoch: the best one would flatter
    return {
        "kind": "training",
        "name": planned.name,
        "point": name_point(planned.network),
        "network": dataclasses.asdict(planned.network),
        "fit": dataclasses.asdict(planned.fit),
        "seed": planned.seed,
        "macs": count_macs(planned.network).total,
        "parameters": training.parameters,
        "valid_images": len(correct),
        "valid_correct": pack_answers(correct),
    }


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares each change with the profile as it is, on the same images and, for speed, round by round.

    Each was trained once, so the spread between seeds is the one that the profile assumes.
    """
    trainings = [row for row in rows if row["kind"] == "training"]
    speeds = [row for row in rows if row["kind"] == "speed"]
    deviation = assume_seed_deviation(trainings[0]["valid_images"])
    trained = {row["name"]: gather_candidate([row], "valid") for row in trainings}
    lines = []
    for row in trainings:
        name = row["name"]
        difference = compare(trained[name], trained[_AS_IT_IS], deviation)
        lines.append(
            (
                name,
                f"{trained[name].accuracy:.1%}",
                "" if name == _AS_IT_IS else rounds.tell_points(difference.difference, *difference.interval),
                f"{row['macs'] / 1e6:.2f}",
                *((rounds.compare(speeds, name, _AS_IT_IS).tell("{:.2f}x"),) if speeds else ()),
            )
        )
    first = trainings[0]
    title = (
        f"{first['point']} of the profile full after {first['fit']['epochs']} epochs, "
        f"{first['valid_images']:,} valid images, one training each"
    )
    columns = (
        *("change", "valid top-1", "points more (95 %, of images and seeds)", "million MACs"),
        *(("training speed",) if speeds else ()),
    )
    note = (
        "A difference whose interval holds 0 is statistically indistinguishable from none. Each change was trained "
        f"once; the intervals assume that an accuracy has a standard deviation of {100 * deviation:.2f} points from "
        "seed to seed, as search.seed_deviation of the profile has it, measured after more epochs."
    )
    return Summary(tables=(Table(title=title, columns=columns, rows=tuple(lines)),), notes=(note,))


BENCHMARK = Benchmark(
    name="ablations",
    short=Effort(),
    full=Effort(
        tfds_dir=ALL_IMAGES,
        state=pathlib.Path("pipeline_root/ablations"),
        changes=tuple(_CHANGES),
        epochs=8,
        most_images=None,
        rounds=5,
        seconds=2.0,
    ),
    seeds=(FULL.fit.seed, FULL.fit.seed + 1),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
