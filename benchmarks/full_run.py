"""What a finished run of a profile reached and cost, out of its root; nothing is trained."""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.result import Row, Summary, Table, Target, judge_target
from components.artifacts.verdict import Verdict
from components.metadata.records import Execution, Records
from components.metadata.root import Root
from components.metadata.run_record import measure_seconds, read_run
from pipeline.config import FULL, QUICK

_MILLION = 10**6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """Which run is read."""

    root: pathlib.Path = QUICK.root
    run: str | None = None  # the id of a run, or how it begins; None: the newest


def measure(effort: Effort) -> list[Row]:
    """Reads the run.

    Raises:
        UsageFailure: If it has not come to its verdict.
    """
    root = Root(effort.root)
    record = read_run(effort.root, effort.run)
    verdict, winner, search = record.verdict, record.winner, record.search
    record.require("verdict", verdict)
    record.require("winner", winner and search)
    assert verdict
    assert winner
    assert search
    run = {
        "kind": "run",
        "run": record.run_id,
        "state": record.state,
        "pushed_version": record.pushed_version,
        "verdict": _describe_verdict(verdict),
        "winner": {name: value for name, value in winner.describe().items() if name != "epochs"},
        "search": dataclasses.asdict(search),
        "epoch_seconds": sum(epoch.seconds for epoch in winner.epochs)
        + sum(trial.seconds or 0.0 for trial in record.trials),  # whichever process they were trained in
    }
    return [run, *_list_steps(root.records, record.run_id)]


def _describe_verdict(verdict: Verdict) -> Row:
    overall = dataclasses.asdict(verdict.candidate.overall)
    return {"is_blessed": verdict.is_blessed, "reasons": verdict.reasons, "images": verdict.candidate.images} | overall


def _list_steps(records: Records, run_id: str) -> list[Row]:
    return [
        {"kind": "step", "step": name, "seconds": measure_seconds(_find_worker(records, execution))}
        for name, execution in records.steps(run_id).items()
    ]


def _find_worker(records: Records, execution: Execution) -> Execution:
    """Returns the execution that did the work: a cached one took it from an earlier run."""
    if execution.last_known_state != Execution.CACHED:
        return execution
    makers = [records.find_maker(artifact) for artifact in records.outputs(execution)]
    return next((maker for maker in makers if maker), execution)


def summarize(rows: Sequence[Row]) -> Summary:
    """Tells what was reached, and what it cost."""
    run, *steps = rows
    accuracy = run["verdict"]["accuracy"]
    seconds = {step["step"]: step["seconds"] for step in steps}
    others = sum(value for name, value in seconds.items() if name != "Trainer")
    # A Trainer that was killed and went on tells only of its last process.
    training = max(seconds["Trainer"], run["epoch_seconds"])
    told = f"{accuracy['value']:.1%} (95 %: {accuracy['low']:.1%} to {accuracy['high']:.1%})"
    lines = [
        ("winner", run["winner"]["point"]),
        (f"test top-1, {run['verdict']['images']:,} images", told),
        ("true MACs", f"{run['winner']['macs']['total'] / _MILLION:.2f} million"),
        ("parameters", f"{run['winner']['parameters']:,}"),
        ("search and final fit", f"{training / 60:.1f} min"),
        ("all other steps", f"{others:.0f} s"),
        ("blessed", "yes" if run["verdict"]["is_blessed"] else "no: " + " ".join(run["verdict"]["reasons"])),
        ("pushed", run["pushed_version"] or "no"),
    ]
    cost = tuple((name, f"{value:.1f}") for name, value in seconds.items())
    return Summary(
        tables=(
            Table(title=f"Run {run['run']}", columns=("what", "measured"), rows=tuple(lines)),
            Table(title="Its steps", columns=("step", "seconds"), rows=cost),
        ),
        targets=_judge(run, told, training, others),
        notes=tuple(run["search"]["sentences"]),
    )


def _judge(run: Row, told: str, training: float, others: float) -> tuple[Target, ...]:
    mmacs, minutes = run["winner"]["macs"]["total"] / _MILLION, training / 60
    # A model that nobody serves has reached nothing.
    accuracy = run["verdict"]["accuracy"]["value"] if run["pushed_version"] else 0.0
    told = told if run["pushed_version"] else f"{told}, not pushed"
    return (
        judge_target("test top-1 of the pushed model", told, accuracy, floor=0.8, aim=0.85, form="{:.0%}"),
        judge_target("its true MACs", f"{mmacs:.2f} million", mmacs, floor=25, aim=20, form="{:.0f} million"),
        judge_target(
            "search and final fit, wall clock", f"{minutes:.0f} min", minutes, floor=110, aim=75, form="{:.0f} min"
        ),
        judge_target("all steps but Trainer", f"{others:.0f} s", others, floor=120, aim=75, form="{:.0f} s"),
    )


BENCHMARK = Benchmark(
    name="full_run",
    short=Effort(),
    full=Effort(root=FULL.root),
    seeds=tuple(FULL.fit.seed + i for i in range(FULL.search.seeds)),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
