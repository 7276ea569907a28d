"""Seconds that the report of a run takes to be made anew, with and without the start of Python, and its size.

`python -m benchmarks.report ROOT` takes the newest run of a pipeline root; without ROOT, that of quick.
"""

import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table

from pipeline.config import QUICK
from pipeline.history import History
from pipeline.report import rebuild

_REPEATS = 3


def main() -> None:
    """Prints the table."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 and pathlib.Path(sys.argv[1]).is_dir() else QUICK.root
    config = dataclasses.replace(QUICK, root=root)
    if not config.metadata_path.is_file():
        sys.exit(f"benchmarks: {root} holds no run; start one with `make run`")
    history = History(config.metadata_path)
    run_id = history.latest_run_id()
    seconds = []
    for _ in range(_REPEATS):
        begin, processor = time.monotonic(), time.process_time()
        page = rebuild(config, history, run_id)
        seconds.append((time.monotonic() - begin, time.process_time() - processor))
    table = Table("what", "measured", title=f"Report of run {run_id}", title_justify="left")
    for number, (elapsed, processor) in enumerate(seconds, start=1):
        note = ", TensorFlow's import included" if number == 1 else ""
        table.add_row(f"page {number}{note}", f"{elapsed:.1f} s, {processor:.1f} s of processors")
    table.add_row("the whole command", f"{_time_command(root):.1f} s")
    table.add_row("size", f"{len(page.encode()) / 2**20:.2f} MiB")
    steps = {step.name: step for step in history.steps(run_id)}
    if "Report" in steps:
        table.add_row("the step in its run", f"{steps['Report'].seconds:.1f} s")
    Console().print(table)


def _time_command(root: pathlib.Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "report.html"
        places = ("--root", str(root), "--output", str(output))
        command = [sys.executable, "-m", "pipeline", "report", "--no-open", *places]
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin


if __name__ == "__main__":
    main()
