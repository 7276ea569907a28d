"""Pushes that are killed at random moments while a reader looks all the time, as a server does."""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.killed_pushes import push_and_kill
from benchmarks.result import Row, Summary, Table
from components.pusher.faults import list_files
from models.presets import PRESETS
from models.vit import build_vit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    pushes: int = 10  # that begin, at least


def measure(effort: Effort) -> list[Row]:
    """Makes the pushes."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        model = _save_model(pathlib.Path(folder, "model"))
        base = pathlib.Path(folder, "serving", "tokenlearner")
        tally, seen = push_and_kill(base, model, pushes=effort.pushes, should_load=True)
        size = sum((model / name).stat().st_size for name in list_files(model))
    reader = {**dataclasses.asdict(seen), "versions": len(seen.versions)}
    return [{"model_bytes": size, **dataclasses.asdict(tally), **reader, "seconds": time.monotonic() - begin}]


def summarize(rows: Sequence[Row]) -> Summary:
    """Tells what the reader saw."""
    [row] = rows
    lines = (
        ("SavedModel", f"{row['model_bytes'] / 1e6:.1f} MB"),
        ("pushes begun", f"{row['begun']}"),
        ("of these ended", f"{row['ended']}"),
        ("SIGKILLs", f"{row['kills']}, {row['kills_with_leftovers']} of them left something aside"),
        ("looks of the reader, each at every byte", f"{row['polls']:,}"),
        ("versions seen", f"{row['versions']}"),
        ("partial versions seen", f"{len(row['partial'])}"),
        ("versions that came after larger ones", f"{len(row['backward'])}"),
        ("newest version answered TensorFlow", f"{row['answered']} of {row['asked']} times"),
        ("leftovers after the next push", f"{row['leftovers_at_the_end']}"),
        ("minutes", f"{row['seconds'] / 60:.1f}"),
    )
    title = "Pushes killed at random moments, and a reader"
    return Summary(tables=(Table(title=title, columns=("what", "measured"), rows=lines),))


def _save_model(folder: pathlib.Path) -> pathlib.Path:
    """Saves the network of the profile quick, untrained."""
    model = build_vit(PRESETS["quick"])
    signature = tf.TensorSpec([None, 32, 32, 3], tf.float32, name="images")
    classify = tf.function(lambda images: {"logits": model(images, training=False)}, input_signature=[signature])
    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, str(folder), signatures=classify)
    return folder


BENCHMARK = Benchmark(
    name="push", short=Effort(), full=Effort(pushes=200), seeds=(1,), measure=measure, summarize=summarize
)

if __name__ == "__main__":
    main(BENCHMARK)
