"""Seconds of every step of the DAG on all images at hand, and of a second run that finds everything in the cache.

The Trainer does as little as it can (one trial, one epoch, a small network): the other steps are what is measured.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import find_dataset
from pipeline.history import History, Step


def run(root: pathlib.Path) -> tuple[list[Step], float]:
    """Runs the pipeline with a Trainer that does next to nothing; returns its steps and all of its seconds."""
    begin = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "pipeline", "run", "--root", str(root), "--data.tfds-dir", str(find_dataset())),
            *("--model.dim", "32", "--model.depth", "1", "--model.mlp-dims", "32"),
            *("--search.placements", "0", "--search.token-counts", "4", "--search.max-epochs", "1"),
            *("--search.tuner", "random", "--search.max-trials", "1", "--search.finalists", "1"),
            *("--fit.epochs", "1", "--fit.batch-size", "256", "--evaluation.min-accuracy", "0"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - begin
    history = History(root / "metadata.sqlite")
    return history.steps(history.latest_run_id()), seconds


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        steps, first = run(root)
        cached_steps, second = run(root)
    table = Table(title=f"Steps on {find_dataset()}", title_justify="left")
    for heading in ("step", "seconds", "second run"):
        table.add_column(heading)
    for step, cached in zip(steps, cached_steps, strict=True):
        table.add_row(step.name, f"{step.seconds:.1f}", cached.state.lower())
    others = sum(step.seconds for step in steps if step.name != "Trainer")
    table.add_section()
    table.add_row("all but Trainer", f"{others:.1f}", "")
    table.add_row("the whole command", f"{first:.1f}", f"{second:.1f} s")
    Console().print(table)


if __name__ == "__main__":
    main()
