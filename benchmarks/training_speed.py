"""Training speed of our network against the Keras example's, and against the speed of matrix products, in turns.

Both are trained by the Trainer's own loop on one batch over and over, without the input pipeline. The example keeps its
batch of 256 and its images of 48 pixels. With `--torch-python`, the Python of an environment with PyTorch, our network
is also trained by PyTorch, eager and compiled, in one process with all CPUs and in a process for each CPU.
"""

import dataclasses
import functools
import itertools
import json
import pathlib
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.networks import EXAMPLE, EXAMPLE_NETWORK, OURS, find_network
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import divide, format_spread, take_turns
from components.image_dataset import CIFAR10
from components.machine import count_cpus
from components.trainer.config import FitConfig
from components.trainer.training.loop import TrainingLoop, read_variables
from models.macs import count_macs
from models.search_space import name_point
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import FULL

_SEED = 1
_SGEMM = "sgemm"
_MUON = f"{OURS}, Muon"  # all others: AdamW
_EAGER, _COMPILED = "PyTorch, eager", "PyTorch, torch.compile"
_SGEMM_SIZE = 2048  # rows and columns
_PASSES = 3  # forward, gradient of the inputs, gradient of the weights
_OPERATIONS = 2  # a multiply-accumulate is a multiplication and an addition


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # finished pipeline root; None: the run in results/
    rounds: int = 3
    seconds: float = 2.0  # of each network in a round; at least one step
    torch_python: pathlib.Path | None = None  # None: no comparison with PyTorch


def measure(effort: Effort) -> list[Row]:
    """Trains both networks and multiplies matrices, in turns."""
    ours, adamw = find_network(effort.root), dataclasses.replace(FULL.fit, optimizer="adamw")
    example_fit = dataclasses.replace(adamw, batch_size=256)
    facts: Row = {"point": name_point(ours)}
    ways = {}
    for name, network, fit in ((OURS, ours, adamw), (_MUON, ours, FULL.fit), (EXAMPLE, EXAMPLE_NETWORK, example_fit)):
        facts |= {f"{name}, MACs": count_macs(network).total, f"{name}, batch size": fit.batch_size}
        ways[name] = prepare_training(network, fit, effort.seconds)
    peers = _start_torch(effort, ours) if effort.torch_python else {}
    try:
        for name, processes in peers.items():
            ways[name] = functools.partial(_train_torch, processes, effort.seconds)
        rounds = take_turns({**ways, _SGEMM: lambda: measure_sgemm(effort.seconds)}, effort.rounds)
    finally:
        for process in itertools.chain(*peers.values()):
            process.kill()
    return [{**facts, **row} for row in rounds]


def _start_torch(effort: Effort, network: ViTConfig) -> dict[str, list[subprocess.Popen[str]]]:
    """Starts the processes of each setting of PyTorch, and checks that they have our network."""
    weights = sum(int(np.prod(weight.shape)) for weight in build_vit(network).trainable_weights)
    peers = {}
    for compiles, count in itertools.product((False, True), (1, count_cpus())):
        command = [str(effort.torch_python), str(pathlib.Path(__file__).with_name("torch_peer.py"))]
        facts = {"network": dataclasses.asdict(network), "batch_size": FULL.fit.batch_size, "compile": compiles}
        name = f"{_COMPILED if compiles else _EAGER}, processes: {count}"
        peers[name] = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        parameters = _call(peers[name], json.dumps({**facts, "threads": count_cpus() // count}))
        assert parameters == [weights] * count, f"{name} has {parameters} parameters, not {weights}"
    return peers


def _train_torch(processes: Sequence[subprocess.Popen[str]], seconds: float) -> float:
    """Trains in all processes at once; returns images/s of all together."""
    return sum(_call(processes, str(seconds)))


def _call(processes: Sequence[subprocess.Popen[str]], line: str) -> list[float]:
    for process in processes:
        assert process.stdin
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    return [float(process.stdout.readline()) for process in processes if process.stdout]


def prepare_training(network: ViTConfig, fit: FitConfig, seconds: float) -> Callable[[], float]:
    """Makes the Trainer's loop for a network; returns a function that trains it that long and returns images/s."""
    model = build_vit(network)
    loop = TrainingLoop(model, fit)
    loop.start(read_variables(model.variables))
    images = tf.random.stateless_normal((fit.batch_size, *loop.model.input_shape[1:]), seed=[_SEED, 0])
    labels = tf.random.stateless_uniform([fit.batch_size], [_SEED, 1], maxval=len(CIFAR10.class_names), dtype=tf.int64)

    def train(steps: int) -> float:
        begin = time.monotonic()
        for _ in range(steps):
            loop.step(images, labels, fit.learning_rate)
        return (time.monotonic() - begin) / steps

    train(1)  # traces
    steps = max(1, round(seconds / train(2)))
    return lambda: fit.batch_size / train(steps)


def measure_sgemm(seconds: float) -> float:
    """Returns operations a second (an addition is one, a multiplication another) of numpy's sgemm on all cores."""
    draw = np.random.default_rng(_SEED)
    left, right = (draw.random((_SGEMM_SIZE, _SGEMM_SIZE), dtype=np.float32) for _ in range(2))
    product = left @ right  # starts its threads
    products, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        np.matmul(left, right, out=product)
        products += 1
    return products * _OPERATIONS * _SGEMM_SIZE**3 / (time.monotonic() - begin)


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the two, and each with sgemm."""
    first, ratio = rows[0], divide(rows, OURS, EXAMPLE)
    lines, shares = [], {}
    for name in (name for name in (OURS, _MUON, EXAMPLE) if name in first):
        macs = first[f"{name}, MACs"]
        shares[name] = [macs * _PASSES * _OPERATIONS * speed for speed in divide(rows, name, _SGEMM)]
        title = name if name == EXAMPLE else f"{name}: {first['point']}"
        speed = format_spread([row[name] for row in rows], "{:,.0f}")
        batch = str(first[f"{name}, batch size"])
        lines.append((title, f"{macs / 1e6:.2f}", batch, speed, format_spread(shares[name], "{:.0%}")))
    lines.append(("ours / example", "", "", format_spread(ratio, "{:.1f}x"), ""))
    sgemm = format_spread([row[_SGEMM] / 1e9 for row in rows], "{:.0f}")
    title = f"Training step without input pipeline, median (least to most) of {len(rows)} rounds"
    columns = ("network", "million MACs", "batch", "images/s", "share of sgemm")
    note = (
        f"Each trains on one batch over and over. Numpy's [2048x2048] sgemm reached {sgemm} GFLOP/s on all cores; "
        "share: true MACs x 3 passes x 2 operations x images/s over that rate, round by round."
    )
    return Summary((Table(title, columns, (*lines, *_compare_with_torch(rows))),), (note,))


def _compare_with_torch(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Yields a line for each way, and one for ours against its faster setting."""
    for way in (_EAGER, _COMPILED):
        speeds = {name: [row[name] for row in rows] for name in rows[0] if name.startswith(way)}
        yield from ((name, "", "", format_spread(speed, "{:,.0f}"), "") for name, speed in speeds.items())
        if speeds:
            fastest = max(speeds, key=lambda name: statistics.median(speeds[name]))
            yield f"ours / {fastest}", "", "", format_spread(divide(rows, OURS, fastest), "{:.2f}x"), ""


BENCHMARK = Benchmark("training_speed", measure, summarize, Effort(), Effort(rounds=15, seconds=6.0), seeds=(_SEED,))

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
