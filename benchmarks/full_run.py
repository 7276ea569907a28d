"""Accuracy and cost of a finished run, read from its pipeline root."""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table
from components.metadata.records import Execution
from components.metadata.root import Root
from components.metadata.run_record import measure_seconds, read_run
from pipeline.config import FULL, QUICK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """Which run is read."""

    root: pathlib.Path = QUICK.root
    run: str | None = None  # the id of a run, or its beginning; None: the latest


def measure(effort: Effort) -> list[Row]:
    """Reads the run.

    Raises:
        UsageFailure: If it has no verdict yet.
    """
    records, record = Root(effort.root).records, read_run(effort.root, effort.run)
    verdict, winner, search = record.verdict, record.winner, record.search
    record.require("verdict", verdict)
    assert verdict
    assert winner
    assert search
    judged = {"is_blessed": verdict.is_blessed, "reasons": verdict.reasons, "images": verdict.candidate.images}
    run = {
        "kind": "run",
        "run": record.run_id,
        "state": record.state,
        "pushed_version": record.pushed_version,
        "verdict": judged | dataclasses.asdict(verdict.candidate.overall),
        "winner": {name: value for name, value in winner.describe().items() if name != "epochs"},
        "search": dataclasses.asdict(search),
        "epoch_seconds": sum(epoch.seconds for epoch in winner.epochs)
        + sum(trial.seconds or 0.0 for trial in record.trials),  # in whichever process they were trained
    }
    rows = [run]
    for step, execution in records.steps(record.run_id).items():
        if execution.last_known_state == Execution.CACHED:  # the work was done by an earlier run
            makers = [records.find_maker(artifact) for artifact in records.outputs(execution)]
            execution = next(filter(None, makers), execution)
        rows.append({"kind": "step", "step": step, "seconds": measure_seconds(execution)})
    return rows


def summarize(rows: Sequence[Row]) -> Summary:
    """Lists accuracy and cost."""
    run, *steps = rows
    verdict, winner = run["verdict"], run["winner"]
    seconds = {step["step"]: step["seconds"] for step in steps}
    others = sum(seconds.values()) - seconds["Trainer"]
    # The Trainer's own time is that of its last process alone, if it was killed and continued.
    minutes = max(seconds["Trainer"], run["epoch_seconds"]) / 60
    mmacs = winner["macs"]["total"] / 1e6
    accuracy = "{value:.1%} (95%: {low:.1%} to {high:.1%})".format(**verdict["accuracy"])
    lines = (
        ("winner", winner["point"]),
        (f"test top-1, {verdict['images']:,} images", accuracy),
        ("true MACs", f"{mmacs:.2f} million"),
        ("parameters", f"{winner['parameters']:,}"),
        ("search and final fit", f"{minutes:.1f} min"),
        ("all other steps", f"{others:.0f} s"),
        ("blessed", "yes" if verdict["is_blessed"] else "no: " + " ".join(verdict["reasons"])),
        ("pushed", run["pushed_version"] or "no"),
    )
    steps_table = Table("Its steps", ("step", "seconds"), tuple((k, f"{v:.1f}") for k, v in seconds.items()))
    run_table = Table(f"Run {run['run']}", ("what", "measured"), lines)
    renamed = ("cannot be told", "is statistically indistinguishable")  # in runs of earlier versions
    notes = tuple(sentence.replace(*renamed) for sentence in run["search"]["sentences"])
    return Summary((run_table, steps_table), notes)


_SEEDS = tuple(FULL.fit.seed + i for i in range(FULL.search.seeds))
BENCHMARK = Benchmark("full_run", measure, summarize, Effort(), Effort(root=FULL.root), _SEEDS)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
