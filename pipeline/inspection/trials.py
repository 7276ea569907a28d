"""Shows the trials of a run's search, in the order in which they ended."""

import csv
import dataclasses

from rich.console import Console

from components.artifacts.trial import Trial
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from pipeline.inspection.layout import format_mmacs, format_seconds, format_share, print_sentences, print_table


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialsFacts:
    """Trials of a run; keys are those of `inspect trials --json`."""

    run_id: str
    trials: tuple[Trial, ...]


def read_trials(root: Root, run_id: str) -> TrialsFacts:
    """Reads the trials of a run.

    Raises:
        UsageFailure: If the run has not ended its search.
    """
    record = RunRecord(root, run_id)
    record.require("trials", record.trials)
    return TrialsFacts(run_id=run_id, trials=record.trials)


def write_csv(console: Console, facts: TrialsFacts) -> None:
    """Writes a row for each trial and rung; the columns are the fields of `Trial`, those of `config` by themselves."""
    plain = [field.name for field in dataclasses.fields(Trial) if field.name not in ("config", "history")]
    rows = [{**{name: getattr(trial, name) for name in plain}, **trial.config} for trial in facts.trials]
    columns = dict.fromkeys(key for row in rows for key in row)
    writer = csv.DictWriter(console.file, list(columns))
    writer.writeheader()
    writer.writerows(rows)


def show_trials(console: Console, facts: TrialsFacts) -> None:
    """Shows a row for each trial and rung, and why others were not trained."""
    rows = [
        (
            trial.stage,
            trial.point,
            str(trial.seed),
            f"{trial.initial_epoch} to {trial.epochs}",
            format_mmacs(trial.macs),
            format_share(trial.valid_accuracy),
            format_seconds(trial.seconds),
        )
        for trial in facts.trials
        if trial.status == "completed"
    ]
    columns = ("stage", "point", "seed", "epochs", "MMACs", "valid", "seconds")
    print_table(console, columns, rows, words=("stage", "point"), title=f"Run {shorten(facts.run_id)}")
    others = [trial for trial in facts.trials if trial.status != "completed"]
    print_sentences(console, "Not trained", [f"{trial.point} {trial.status}: {trial.reason}" for trial in others])
