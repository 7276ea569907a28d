"""Shows the trials of a run's search, in the order in which they ended."""

import dataclasses

from rich.console import Console

from components.artifacts.trial import Trial, tabulate_trials
from components.csv_text import format_csv
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
    """Writes a row for each trial and rung."""
    console.file.write(format_csv(tabulate_trials(facts.trials)))


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
