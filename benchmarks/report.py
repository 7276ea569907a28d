"""Seconds that the report of a run takes to be made anew, with and without the start of Python, and its size."""

import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table
from pipeline.config import FULL, QUICK
from pipeline.history import History
from pipeline.report import rebuild


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path = QUICK.root  # its newest run is reported
    pages: int = 2


def measure(effort: Effort) -> list[Row]:
    """Makes the page some times in this process, then once with the whole command."""
    config = dataclasses.replace(QUICK, root=effort.root)
    history = History(config.metadata_path)
    run_id = history.latest_run_id()
    rows: list[Row] = []
    for number in range(1, effort.pages + 1):
        begin, processor = time.monotonic(), time.process_time()
        page = rebuild(config, history, run_id)
        figures = {"seconds": time.monotonic() - begin, "processor_seconds": time.process_time() - processor}
        rows.append({"run": run_id, "what": f"page {number}", **figures, "bytes": len(page.encode())})
    rows.append({"run": run_id, "what": "the whole command", "seconds": _time_command(effort.root)})
    steps = [step for step in history.steps(run_id) if step.name == "Report"]
    rows += [{"run": run_id, "what": "the step in its run", "seconds": step.seconds} for step in steps]
    return rows


def _time_command(root: pathlib.Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "report.html"
        places = ("--root", str(root), "--output", str(output))
        command = [sys.executable, "-m", "pipeline", "report", "--no-open", *places]
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin


def summarize(rows: Sequence[Row]) -> Summary:
    """Lists what was timed."""
    lines = [(row["what"], f"{row['seconds']:.1f} s{_tell_processors(row)}") for row in rows]
    lines.append(("size", f"{rows[0]['bytes'] / 2**20:.2f} MiB"))
    table = Table(title=f"Report of run {rows[0]['run']}", columns=("what", "measured"), rows=tuple(lines))
    return Summary(tables=(table,), notes=("Page 1 may hold the import of TensorFlow.",))


def _tell_processors(row: Row) -> str:
    return f", {row['processor_seconds']:.1f} s of processors" if "processor_seconds" in row else ""


BENCHMARK = Benchmark(
    name="report",
    short=Effort(),
    full=Effort(root=FULL.root, pages=5),
    seeds=(),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
