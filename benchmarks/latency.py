"""Latency of exported SavedModels, ours against the Keras example's, in turns in one process.

Both go through `export_model` and a Transform graph: a request holds serialized tf.Examples with PNGs of 32 pixels. The
example's network takes 48, so it resizes inside, as the example itself does. Nobody trained its weights: that does not
change the time. Both are asked as TensorFlow Lite models, too, which take pixels: there an operation costs next to
nothing beside its arithmetic.
"""

import dataclasses
import functools
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import SAMPLE
from benchmarks.networks import EXAMPLE, EXAMPLE_NETWORK, OURS, find_network
from benchmarks.result import Row, Summary, Table, judge_target
from benchmarks.rounds import Spread, compare, take_turns
from benchmarks.splits import Splits, open_splits
from components import features, signatures
from components.lite_converter.convert import convert
from components.lite_model import load_lite_model
from components.trainer.export import export_model
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import FULL
from pipeline.prediction.model import locate_model

_BATCHES = (1, 32)
_SAVED_MODEL, _LITE = "SavedModel", "TFLite float32"
_WARM_UPS = 5  # requests; the first one traces


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose newest pushed version is ours; None: an untrained one as in results/
    rounds: int = 5
    requests: int = 20  # of each model in a round


def measure(effort: Effort) -> list[Row]:
    """Asks both models in turns, with small and large requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        splits = open_splits(SAMPLE)
        if effort.root:
            ours = locate_model(None, dataclasses.replace(FULL, root=effort.root).serving_dir)
        else:
            ours = export(find_network(None), splits, folder / "ours")
        folders = {OURS: ours, EXAMPLE: export(EXAMPLE_NETWORK, splits, folder / "example")}
        # Kept, for they own their signatures.
        models = {name: tf.saved_model.load(str(folder)) for name, folder in folders.items()}
        lite_models = {
            name: _load_lite_model(saved_model, folder / f"{name}.tflite") for name, saved_model in folders.items()
        }
    files = tf.io.gfile.glob(splits.locate(features.TEST_SPLIT))
    records = list(tf.data.TFRecordDataset(files).take(max(_BATCHES)))
    rows: list[Row] = []
    for batch in _BATCHES:
        ways = {name: _prepare(model, tf.stack(records[:batch]), effort.requests) for name, model in models.items()}
        rows += _ask(_SAVED_MODEL, batch, ways, effort)
    return rows + _ask(
        _LITE, 1, {name: _time_requests(ask, effort.requests) for name, ask in lite_models.items()}, effort
    )


def _ask(engine: str, batch: int, ways: dict[str, Callable[[], float]], effort: Effort) -> list[Row]:
    facts = {"engine": engine, "batch": batch, "requests": effort.requests}
    return [{**facts, **row} for row in take_turns(ways, effort.rounds)]


def export(network: ViTConfig, splits: Splits, folder: pathlib.Path) -> pathlib.Path:
    """Exports a network with new weights; one for larger images than ours resizes them inside."""
    keras.utils.set_random_seed(1)
    model = build_vit(network)
    if network.image_size != features.IMAGE_SHAPE[0]:
        images = keras.Input(features.IMAGE_SHAPE, name="image")
        resized = keras.ops.image.resize(images, (network.image_size, network.image_size))
        model = keras.Model(images, model(resized))
    export_model(splits.transform, model, str(folder))
    return folder


def _prepare(model: Any, examples: tf.Tensor, requests: int) -> Callable[[], float]:
    ask = functools.partial(model.signatures[signatures.SERVE_EXAMPLES], examples=examples)
    return _time_requests(lambda: ask()[signatures.PROBABILITIES].numpy(), requests)


def _load_lite_model(saved_model: pathlib.Path, file: pathlib.Path) -> Callable[[], np.ndarray]:
    file.write_bytes(convert("float32", str(saved_model), images=""))
    image = np.random.default_rng(1).integers(0, 256, (1, *features.IMAGE_SHAPE), np.uint8)
    return functools.partial(load_lite_model(str(file)), image)


def _time_requests(ask: Callable[[], np.ndarray], requests: int) -> Callable[[], float]:
    """Returns what measures milliseconds until the answer is there, the median of some requests."""
    for _ in range(_WARM_UPS):
        ask()
    return lambda: statistics.median(_time_request(ask) for _ in range(requests))


def _time_request(ask: Callable[[], np.ndarray]) -> float:
    begin = time.monotonic()
    ask()
    return 1000 * (time.monotonic() - begin)


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the two at each size of a request."""
    lines, targets = [], []
    for engine, batch in dict.fromkeys((row["engine"], row["batch"]) for row in rows):
        of_way = [row for row in rows if (row["engine"], row["batch"]) == (engine, batch)]
        ratio = compare(of_way, EXAMPLE, OURS)
        milliseconds = (Spread.of(row[name] for row in of_way).tell("{:.2f}") for name in (OURS, EXAMPLE))
        lines.append((engine, str(batch), *milliseconds, ratio.tell("{:.1f}x")))
        if engine == _SAVED_MODEL:
            what = f"latency with {batch} image{'s' * (batch > 1)} a request, the Keras example's over ours"
            targets.append(judge_target(what, ratio.tell("{:.1f}x"), ratio.median, floor=3, aim=5, form="{:.0f}x"))
    title = f"Milliseconds a request, median (least to most) of rounds, a round the median of {rows[0]['requests']}"
    columns = ("asked as", "images", OURS, EXAMPLE, "example / ours")
    return Summary(tables=(Table(title=title, columns=columns, rows=tuple(lines)),), targets=tuple(targets))


BENCHMARK = Benchmark(
    name="latency",
    short=Effort(),
    full=Effort(rounds=25, requests=100),
    seeds=(1,),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
