"""ExampleGen against a plain Beam copy of TFDS's records, and against TFX's own way to write splits, in turns."""

import dataclasses
import functools
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence

import apache_beam as beam
from tfx.components.example_gen.write_split import WriteSplit
from tfx.types import standard_artifacts

from benchmarks.benchmark import Benchmark, main
from benchmarks.dataset import ALL_IMAGES, SAMPLE, require_dataset
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import Spread, compare, take_turns
from components.example_gen.component import Cifar10ExampleGen, list_shards
from pipeline.config import QUICK

_OURS = "ExampleGen"
Way = Callable[[pathlib.Path, pathlib.Path], None]  # from a TFDS folder to an output folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    tfds_dir: pathlib.Path = SAMPLE
    rounds: int = 3


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


_WAYS: dict[str, Way] = {
    _OURS: generate,
    "Beam copy, record by record": copy_by_record,
    "TFX's WriteSplit": write_like_tfx,
}


def measure_way(way: Way, tfds_dir: pathlib.Path) -> float:
    """Returns the seconds that one way takes."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        way(tfds_dir, pathlib.Path(folder))
        return time.monotonic() - begin


def measure(effort: Effort) -> list[Row]:
    """Copies in turns."""
    images = sum(images for *_, images in list_shards(require_dataset(effort.tfds_dir)))
    ways = {name: functools.partial(measure_way, way, effort.tfds_dir) for name, way in _WAYS.items()}
    return [{**row, "images": images} for row in take_turns(ways, effort.rounds)]


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares the ways."""
    lines = tuple(
        (way, Spread.of(row[way] for row in rows).tell(), compare(rows, way, _OURS).tell("{:.1f}x")) for way in _WAYS
    )
    title = f"ExampleGen on {rows[0]['images']:,} images, median (least to most) of {len(rows)} rounds"
    return Summary(tables=(Table(title=title, columns=("way", "seconds", "times ExampleGen"), rows=lines),))


BENCHMARK = Benchmark(
    name="example_gen",
    short=Effort(),
    full=Effort(tfds_dir=ALL_IMAGES, rounds=7),
    seeds=(),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
