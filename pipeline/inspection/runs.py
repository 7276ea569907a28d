"""Shows all runs of a root, one per line."""

import dataclasses

from rich.console import Console

from components.artifacts.verdict import Measure
from components.errors import DataFailure
from components.metadata.records import format_time
from components.metadata.rollback import RollbackRecord, describe_rollback
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord, RunState
from pipeline.inspection.layout import format_mmacs, format_share, print_sentences, print_table


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFacts:
    """One run; keys are those of `inspect runs --json`. None: the run has not come so far."""

    run_id: str
    began: str  # local time
    state: RunState
    last_step: str | None
    winner: str | None  # such as "token_learner-8@2"
    macs: int | None
    test_accuracy: Measure | None
    is_blessed: bool | None  # by the Evaluator
    is_overridden: bool  # blessed by hand
    pushed_version: str | None
    damage: str | None  # a file that cannot be read
    rollbacks: list[RollbackRecord]  # to and from the pushed version


def read_runs(root: Root) -> list[RunFacts]:
    """Reads all runs, oldest first; a damaged file hides no other run."""
    return [read_facts(RunRecord(root, run_id)) for run_id in root.records.run_ids]


def show_runs(console: Console, runs: list[RunFacts]) -> None:
    """Shows a row for each run."""
    rows = [
        (
            shorten(run.run_id),
            run.winner,
            format_mmacs(run.macs),
            format_share(run.test_accuracy.value if run.test_accuracy else None),
            {None: None, True: "yes", False: "by hand" if run.is_overridden else "no"}[run.is_blessed],
            {"pushed": run.pushed_version, "not pushed": "no"}.get(run.state, f"{run.state}: {run.last_step}"),
        )
        for run in runs
    ]
    columns = ("run", "winner", "MMACs", "test", "blessed", "pushed")
    print_table(console, columns, rows, words=("winner", "blessed", "pushed"))
    for damage in filter(None, (run.damage for run in runs)):
        console.print(damage, markup=False, highlight=False, soft_wrap=True)
    rollbacks = {rollback.version: describe_rollback(rollback) for run in runs for rollback in run.rollbacks}
    print_sentences(console, "Rolled back", [rollbacks[version] for version in sorted(rollbacks, key=int)])


def read_facts(record: RunRecord) -> RunFacts:
    """Reads one run."""
    damage, winner, verdict = None, None, None
    try:
        winner = record.winner
        verdict = record.verdict
    except DataFailure as failure:
        damage = str(failure)
    return RunFacts(
        run_id=record.run_id,
        began=format_time(record.began),
        state=record.state,
        last_step=record.last_step,
        winner=winner.point if winner else None,
        macs=winner.macs.total if winner else None,
        test_accuracy=verdict.candidate.overall.accuracy if verdict else None,
        is_blessed=verdict.is_blessed if verdict else None,
        is_overridden=bool(record.overrides),
        pushed_version=record.pushed_version,
        damage=damage,
        rollbacks=record.rollbacks,
    )
