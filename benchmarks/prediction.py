"""Seconds of `tokenlearner predict`: one image from a cold start, and all test images at hand through Beam."""

import dataclasses
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import ALL_IMAGES, SAMPLE, require_dataset
from benchmarks.result import Row, Summary, Table
from components import features
from pipeline.config import FULL, QUICK
from pipeline.prediction.model import locate_model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    model: pathlib.Path = QUICK.serving_dir  # a SavedModel or a folder of versions
    tfds_dir: pathlib.Path = SAMPLE  # whose test images are predicted
    cold_starts: int = 2


def measure(effort: Effort) -> list[Row]:
    """Times the whole command, each time in a process of its own."""
    model = locate_model(effort.model, QUICK.serving_dir)
    [file] = require_dataset(effort.tfds_dir).glob("cifar10-test.tfrecord-*")
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image.png"
        image.write_bytes(_read_first_image(file))
        output = pathlib.Path(folder) / "answers"
        rows = [{"images": 1, **_time(str(image), model=model)} for _ in range(effort.cold_starts)]
        batch = _time("--examples", str(file), "--output", str(output), model=model)
        images = sum(len(shard.read_text().splitlines()) for shard in output.glob("predictions-*"))
    return [*rows, {"images": images, **batch}]


def summarize(rows: Sequence[Row]) -> Summary:
    """Lists what was timed."""
    *colds, batch = rows
    lines = [("one image, from a cold start", row, "10 s") for row in sorted(colds, key=lambda row: row["seconds"])]
    lines.append((f"{batch['images']:,} records with Beam, start included", batch, "60 s for 10,000"))
    cells = tuple(
        (what, f"{row['seconds']:.1f} s", f"{row['processor_seconds']:.1f} s", f"{row['load']:.1f}", asked)
        for what, row, asked in lines
    )
    columns = ("what", "measured", "of all cores", "load before", "asked, at most")
    return Summary(tables=(Table(title="Prediction", columns=columns, rows=cells),))


def _read_first_image(file: pathlib.Path) -> bytes:
    [record] = tf.data.TFRecordDataset(str(file)).take(1).as_numpy_iterator()
    image: bytes = tf.train.Example.FromString(record).features.feature[features.IMAGE].bytes_list.value[0]
    return image


def _time(*arguments: str, model: pathlib.Path) -> dict[str, float]:
    """Returns the load before, the seconds of the whole command, and those of all cores together."""
    command = [sys.executable, "-m", "pipeline", "predict", *arguments, "--model", str(model)]
    load = os.getloadavg()[0]
    begin, processor_begin = time.monotonic(), _read_processor_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, processor_seconds = time.monotonic() - begin, _read_processor_seconds() - processor_begin
    return {"load": load, "seconds": seconds, "processor_seconds": processor_seconds}


def _read_processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


BENCHMARK = Benchmark(
    name="prediction",
    short=Effort(),
    full=Effort(model=FULL.serving_dir, tfds_dir=ALL_IMAGES, cold_starts=5),
    seeds=(),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
