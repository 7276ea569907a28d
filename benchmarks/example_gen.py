"""ExampleGen against a plain Beam copy of TFDS's records, and against TFX's own way to write splits, pair by pair."""

import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import apache_beam as beam
from rich.console import Console
from rich.table import Table
from tfx.components.example_gen.write_split import WriteSplit
from tfx.types import standard_artifacts

from benchmarks.dataset import find_dataset
from components.example_gen.component import Cifar10ExampleGen, list_shards
from pipeline.config import QUICK

_PAIRS = 3
Way = Callable[[pathlib.Path, pathlib.Path], None]  # from a TFDS folder to an output folder


def generate(tfds_dir: pathlib.Path, output: pathlib.Path) -> None:
    """Runs our ExampleGen."""
    examples = standard_artifacts.Examples()
    examples.uri = str(output)
    Cifar10ExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=QUICK.data.train_images,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )


def copy_by_record(tfds_dir: pathlib.Path, output: pathlib.Path) -> None:
    """Copies TFDS's records, one element each, uncompressed."""
    with beam.Pipeline("FnApiRunner") as pipeline:
        for path, split, _ in list_shards(tfds_dir):
            records = pipeline | f"Read{split}{path}" >> beam.io.ReadFromTFRecord(path)
            records | f"Write{split}{path}" >> beam.io.WriteToTFRecord(str(output / split / "data"))


def write_like_tfx(tfds_dir: pathlib.Path, output: pathlib.Path) -> None:
    """Copies TFDS's records with the transform that TFX's own ExampleGens write with (shuffled, gzip)."""
    with beam.Pipeline("FnApiRunner") as pipeline:
        for path, split, _ in list_shards(tfds_dir):
            records = pipeline | f"Read{split}{path}" >> beam.io.ReadFromTFRecord(path)
            records | f"Write{split}{path}" >> WriteSplit(str(output / split), "tfrecords_gzip")


def measure(way: Way, tfds_dir: pathlib.Path) -> float:
    """Returns the seconds that one way takes."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        way(tfds_dir, pathlib.Path(folder))
        return time.monotonic() - begin


def main() -> None:
    """Prints the table."""
    tfds_dir = find_dataset()
    images = sum(images for *_, images in list_shards(tfds_dir))
    ways: dict[str, Way] = {
        "ExampleGen": generate,
        "Beam copy, record by record": copy_by_record,
        "TFX's WriteSplit": write_like_tfx,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_PAIRS):
        for name, way in ways.items():
            seconds[name].append(measure(way, tfds_dir))
    table = Table(title=f"ExampleGen on {images:,} images, {_PAIRS} rounds", title_justify="left")
    for heading in ("way", "seconds, median", "times ExampleGen, median of pairs (min to max)"):
        table.add_column(heading)
    for name, values in seconds.items():
        ratios = [value / ours for value, ours in zip(values, seconds["ExampleGen"], strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        table.add_row(name, f"{statistics.median(values):.1f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
