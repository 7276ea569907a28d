"""Seconds of every step of the DAG, and of a second run that finds everything in the cache.

The Trainer does as little as it can (one trial, one epoch, a small network): the other steps are what is measured.
"""

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.dag import LITTLE_TRAINING, TRAINER, read_steps, run_dag
from benchmarks.dataset import ALL_IMAGES, SAMPLE, require_dataset
from benchmarks.result import Row, Summary, Table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    tfds_dir: pathlib.Path = SAMPLE


def measure(effort: Effort) -> list[Row]:
    """Runs the DAG twice."""
    options = ("--data.tfds-dir", str(require_dataset(effort.tfds_dir)), *LITTLE_TRAINING)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for number in (1, 2):
            seconds = run_dag(root, options)
            steps = [{"run": number, **step} for step in read_steps(root)]
            command = {"run": number, "step": "the whole command", "seconds": seconds}
            rows += [{"dataset": str(effort.tfds_dir), **row} for row in (*steps, command)]
    return rows


def summarize(rows: Sequence[Row]) -> Summary:
    """Puts the two runs side by side."""
    first, second = ([row for row in rows if row["run"] == number] for number in (1, 2))
    *steps, command = first
    *cached, cached_command = second
    lines = [
        (step["step"], f"{step['seconds']:.1f}", again["state"].lower())
        for step, again in zip(steps, cached, strict=True)
    ]
    others = sum(step["seconds"] for step in steps if step["step"] != TRAINER)
    lines.append((f"all but {TRAINER}", f"{others:.1f}", ""))
    lines.append((command["step"], f"{command['seconds']:.1f}", f"{cached_command['seconds']:.1f} s"))
    title = f"Steps on {rows[0]['dataset']}"
    return Summary(tables=(Table(title=title, columns=("step", "seconds", "second run"), rows=tuple(lines)),))


BENCHMARK = Benchmark(
    name="steps",
    short=Effort(),
    full=Effort(tfds_dir=ALL_IMAGES),
    seeds=(1,),  # fit.seed
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
