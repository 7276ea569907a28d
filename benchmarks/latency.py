"""Latency of exported models, ours against the Keras example's, in turns in one process.

A request holds serialized tf.Examples with PNGs of 32 pixels; both SavedModels are exported by `export_model`, and the
example's network, which takes 48 pixels, resizes inside, as the example itself does. It is untrained, which does not
change the time. The TensorFlow Lite models take pixels.
"""

import dataclasses
import functools
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from benchmarks.benchmark import Benchmark, main
from benchmarks.networks import EXAMPLE, EXAMPLE_NETWORK, OURS, find_network
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import divide, format_spread, take_turns
from benchmarks.splits import SAMPLE, open_splits
from components import features, signatures
from components.lite_converter.convert import convert
from components.lite_model import load_lite_model
from components.trainer.export import export_model
from models.folding import fold_batch_norm
from models.vit import build_vit
from models.vit_config import ViTConfig
from pipeline.config import FULL, locate_serving_dir
from pipeline.prediction.model import locate_model

_BATCHES = (1, 32)
_SAVED_MODEL, _LITE = "SavedModel", "TFLite float32"
_SEED = 1
_WARM_UPS = 5  # requests; the first one traces


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose newest pushed version is ours; None: the run in results/, untrained
    rounds: int = 5
    requests: int = 20  # of each model in a round


def measure(effort: Effort) -> list[Row]:
    """Sends small and large requests to both models, in turns."""
    splits = open_splits(SAMPLE)
    files = tf.io.gfile.glob(splits.locate(features.TEST_SPLIT))
    records = list(tf.data.TFRecordDataset(files).take(max(_BATCHES)))
    image = np.random.default_rng(_SEED).integers(
        0, 256, (1, FULL.task.image_size, FULL.task.image_size, features.CHANNELS), np.uint8
    )
    requests: dict[tuple[str, int], dict[str, Callable[[], object]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in (OURS, EXAMPLE):
            if name == OURS and effort.root:
                saved_model = locate_model(None, locate_serving_dir(effort.root))
            else:
                network = find_network(None) if name == OURS else EXAMPLE_NETWORK
                saved_model = _export(network, splits.transform, pathlib.Path(folder, name))
            model = tf.saved_model.load(str(saved_model))
            for batch in _BATCHES:
                predict = functools.partial(_predict, model, tf.stack(records[:batch]))
                requests.setdefault((_SAVED_MODEL, batch), {})[name] = predict
            lite_file = pathlib.Path(folder, f"{name}.tflite")
            lite_file.write_bytes(convert("float32", model, images=""))
            requests.setdefault((_LITE, 1), {})[name] = functools.partial(load_lite_model(str(lite_file)), image)
    rows = []
    for (engine, batch), ways in requests.items():
        for request in ways.values():
            _time(request, _WARM_UPS)
        timed = {name: functools.partial(_time, request, effort.requests) for name, request in ways.items()}
        facts = {"engine": engine, "batch": batch, "requests": effort.requests}
        rows += [facts | row for row in take_turns(timed, effort.rounds)]
    return rows


def _export(network: ViTConfig, transform: tft.TFTransformOutput, folder: pathlib.Path) -> pathlib.Path:
    """Exports an untrained network; one for larger images than ours resizes them inside."""
    keras.utils.set_random_seed(_SEED)
    model = fold_batch_norm(network, build_vit(network))
    size = FULL.task.image_size
    if network.image_size != size:
        images = keras.Input((size, size, features.CHANNELS), name="image")
        model = keras.Model(images, model(keras.ops.image.resize(images, (network.image_size, network.image_size))))
    export_model(transform, model, FULL.task, str(folder))
    return folder


def _predict(model: tf.Module, examples: tf.Tensor) -> np.ndarray:
    return model.signatures[signatures.SERVE_EXAMPLES](examples=examples)[signatures.PROBABILITIES].numpy()


def _time(request: Callable[[], object], requests: int) -> float:
    """Returns the median milliseconds of a request."""
    seconds = []
    for _ in range(requests):
        begin = time.monotonic()
        request()
        seconds.append(time.monotonic() - begin)
    return 1000 * statistics.median(seconds)


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the two at each size of a request."""
    lines = []
    for engine, batch in dict.fromkeys((row["engine"], row["batch"]) for row in rows):
        some = [row for row in rows if (row["engine"], row["batch"]) == (engine, batch)]
        ratio = divide(some, EXAMPLE, OURS)
        milliseconds = (format_spread([row[name] for row in some], "{:.2f}") for name in (OURS, EXAMPLE))
        lines.append((engine, str(batch), *milliseconds, format_spread(ratio, "{:.1f}x")))
    title = f"Milliseconds a request, median (least to most) of rounds, a round the median of {rows[0]['requests']}"
    columns = ("format", "images", OURS, EXAMPLE, "example / ours")
    return Summary((Table(title, columns, tuple(lines)),))


BENCHMARK = Benchmark("latency", measure, summarize, Effort(), Effort(rounds=25, requests=100), seeds=(_SEED,))

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
