"""Training speed of our network against the Keras example's, and against what the cores can multiply, in turns.

Both are built and compiled by the same code (`build_vit`, `compile_model`) and are fed one batch over and over: the
input pipeline is off. The example keeps its batch of 256 and its images of 48 pixels.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.networks import EXAMPLE, EXAMPLE_NETWORK, OURS, describe_fit, find_network
from benchmarks.result import Row, Summary, Table, Target, judge_target
from benchmarks.rounds import Spread, compare, measure_sgemm, take_turns
from benchmarks.training import Training
from models.macs import count_macs
from models.search_space import name_point

_SGEMM = "sgemm"
_PASSES = 3  # forward, gradient of the inputs, gradient of the weights
_OPERATIONS = 2  # a multiply-accumulate is a multiplication and an addition


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # finished pipeline root; None: the run in results/
    rounds: int = 3
    seconds: float = 2.0  # of each way in a round; at least one step


def measure(effort: Effort) -> list[Row]:
    """Trains both networks and multiplies matrices, in turns."""
    networks = {OURS: find_network(effort.root), EXAMPLE: EXAMPLE_NETWORK}
    ways = {
        name: functools.partial(Training.of(network, describe_fit(network)).measure, effort.seconds)
        for name, network in networks.items()
    }
    facts = {"point": name_point(networks[OURS])} | {
        f"{name}, {fact}": value
        for name, network in networks.items()
        for fact, value in (("MACs", count_macs(network).total), ("batch size", describe_fit(network).batch_size))
    }
    rounds = take_turns({**ways, _SGEMM: lambda: measure_sgemm(effort.seconds)}, effort.rounds)
    return [{**facts, **row} for row in rounds]


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the two, and each with sgemm."""
    shares = {name: _find_share(rows, name) for name in (OURS, EXAMPLE)}
    ratio = compare(rows, OURS, EXAMPLE)
    lines = [_tell(rows, name, share) for name, share in shares.items()]
    lines.append(("ours / example", "", "", ratio.tell("{:.1f}x"), ""))
    title = f"Training step without input pipeline, median (least to most) of {len(rows)} rounds"
    columns = ("network", "million MACs", "batch", "images/s", "share of sgemm")
    sgemm = Spread.of(row[_SGEMM] / 1e9 for row in rows).tell("{:.0f}")
    return Summary(
        tables=(Table(title=title, columns=columns, rows=tuple(lines)),),
        targets=_judge(ratio, shares[OURS]),
        notes=(
            f"Each trains on one batch over and over. Numpy's [2048x2048] sgemm reached {sgemm} GFLOP/s on all cores; "
            "share: true MACs x 3 passes x 2 operations x images/s over that rate, round by round.",
        ),
    )


def _find_share(rows: Sequence[Row], name: str) -> Spread:
    return Spread.of(row[f"{name}, MACs"] * _PASSES * _OPERATIONS * row[name] / row[_SGEMM] for row in rows)


def _tell(rows: Sequence[Row], name: str, share: Spread) -> tuple[str, ...]:
    first = rows[0]
    speed = Spread.of(row[name] for row in rows).tell("{:,.0f}")
    title = f"{name}: {first['point']}" if name == OURS else name
    mmacs = f"{first[f'{name}, MACs'] / 1e6:.2f}"
    return title, mmacs, str(first[f"{name}, batch size"]), speed, share.tell("{:.0%}")


def _judge(ratio: Spread, share: Spread) -> tuple[Target, ...]:
    speed = "training images/s against the Keras example with 8 tokens, built by the same code"
    used = "share of the sgemm rate that the training step reaches"
    return (
        judge_target(speed, ratio.tell("{:.1f}x"), ratio.median, floor=6, aim=10, form="{:.0f}x"),
        judge_target(used, share.tell("{:.0%}"), share.median, floor=0.35, aim=0.5, form="{:.0%}"),
    )


BENCHMARK = Benchmark(
    name="training_speed",
    short=Effort(),
    full=Effort(rounds=15, seconds=6.0),
    seeds=(1,),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
