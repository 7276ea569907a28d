"""Runs of the DAG, as the command line starts them, and what each of their steps cost."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.result import Row
from components.report.memory import read_peaks
from pipeline.failures import Failure
from pipeline.history import History

# One trial, one epoch, a small network: the other steps are what is measured.
LITTLE_TRAINING = (
    *("--model.dim", "32", "--model.depth", "1", "--model.mlp-dims", "32"),
    *("--search.placements", "0", "--search.token-counts", "4", "--search.max-epochs", "1"),
    *("--search.tuner", "random", "--search.max-trials", "1", "--search.finalists", "1"),
    *("--fit.epochs", "1", "--fit.batch-size", "256", "--evaluation.min-accuracy", "0"),
)
TRAINER = "Trainer"
STEP_BEGAN, STEP_ENDED = "▸", "✓"  # in front of a step's line where a run shows itself on no terminal

_EXCERPT = 300  # characters of what a failed run said last


def run_dag(root: pathlib.Path, options: Sequence[str]) -> float:
    """Runs the DAG to its end.

    Returns:
        Seconds of the whole command.

    Raises:
        Failure: If it does not end with a pushed model.
    """
    begin = time.monotonic()
    ended = subprocess.run(_make_command(root, options), capture_output=True, text=True, check=False)
    if ended.returncode:
        said = " ".join((ended.stderr or ended.stdout).split())[-_EXCERPT:]
        raise Failure(f"a run in {root} ended with exit code {ended.returncode}: {said}")
    return time.monotonic() - begin


def run_until_trainer(root: pathlib.Path, options: Sequence[str], moment: str) -> None:
    """Runs the DAG until its Trainer has ended, or begins; what follows would take as long again.

    Args:
        root: Of the run.
        options: Of the command line.
        moment: STEP_ENDED or STEP_BEGAN.

    Raises:
        Failure: If it ends before.
    """
    process = subprocess.Popen(
        _make_command(root, options), stdout=subprocess.PIPE, text=True, start_new_session=True, bufsize=1
    )
    with process:
        assert process.stdout is not None
        try:
            has_told = any(re.search(rf"{moment} .*\b{TRAINER}\b", line) for line in process.stdout)
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGKILL)
    if not has_told:
        raise Failure(f"a run ended at its Trainer or before; see why with `tokenlearner run {' '.join(options)}`.")


def _make_command(root: pathlib.Path, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pipeline", "run", "--root", str(root), *options]


def read_steps(root: pathlib.Path) -> list[Row]:
    """Reads what the steps of the newest run cost.

    Args:
        root: That holds it.

    Returns:
        A row a step: name, state, seconds, and its process's resident memory, as it began and at most; None where the
        kernel does not tell.
    """
    history = History(root / "metadata.sqlite")
    run_id = history.latest_run_id()
    memory = root / "peak_memory.jsonl"
    peaks, began = read_peaks(memory), read_peaks(memory, "began_bytes")
    return [
        {
            "step": step.name,
            "state": step.state,
            "seconds": step.seconds,
            "began_bytes": began.get((run_id, step.name)),
            "peak_bytes": peaks.get((run_id, step.name)),
        }
        for step in history.steps(run_id)
    ]
