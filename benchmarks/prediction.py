"""Seconds of `tokenlearner predict`: one image from a cold start, and all test images at hand through Beam.

`python -m benchmarks.prediction MODEL` takes a SavedModel or a folder of versions; without MODEL, what quick pushed.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import find_dataset
from components import features
from pipeline.config import QUICK
from pipeline.failures import UsageFailure
from pipeline.prediction.model import locate_model

_REPEATS = 3


def main() -> None:
    """Prints the table."""
    named = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 and pathlib.Path(sys.argv[1]).is_dir() else None
    try:
        model = locate_model(named, QUICK.serving_dir)
    except UsageFailure as failure:
        sys.exit(f"benchmarks: {failure}")
    [file] = find_dataset().glob("cifar10-test.tfrecord-*")
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image.png"
        image.write_bytes(_read_first_image(file))
        output = pathlib.Path(folder) / "answers"
        colds = sorted(_time(str(image), model=model) for _ in range(_REPEATS))
        batch = _time("--examples", str(file), "--output", str(output), model=model)
        lines = sum(len(shard.read_text().splitlines()) for shard in output.glob("predictions-*"))
    title = f"Prediction with {model}, load average {os.getloadavg()[0]:.1f}"
    table = Table("what", "seconds", "of all cores", "asked", title=title, title_justify="left")
    for seconds, cpu_seconds in colds:
        table.add_row("one image, from a cold start", f"{seconds:.1f}", f"{cpu_seconds:.1f}", "10")
    seconds, cpu_seconds = batch
    table.add_row(
        f"{lines:,} records with Beam, start included", f"{seconds:.1f}", f"{cpu_seconds:.1f}", "60 for 10,000"
    )
    Console().print(table)


def _read_first_image(file: pathlib.Path) -> bytes:
    [record] = tf.data.TFRecordDataset(str(file)).take(1).as_numpy_iterator()
    image: bytes = tf.train.Example.FromString(record).features.feature[features.IMAGE].bytes_list.value[0]
    return image


def _time(*arguments: str, model: pathlib.Path) -> tuple[float, float]:
    """Returns the seconds of the whole command, and those of all cores together."""
    command = [sys.executable, "-m", "pipeline", "predict", *arguments, "--model", str(model)]
    begin, cpu_begin = time.monotonic(), _read_cpu_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin, _read_cpu_seconds() - cpu_begin


def _read_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
