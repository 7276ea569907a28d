"""The outcome of a search in the Trainer's model run folder."""

from collections.abc import Sequence

from components.artifacts.search_outcome import Finalist, SearchOutcome, Spending, Untrained
from components.artifacts.trial import Trial
from components.trainer.findings import describe_choice, describe_skipped
from components.trainer.search.selection import Choice


def describe_search(
    choice: Choice, trials: Sequence[Trial], full_epochs: int, notes: Sequence[str] = ()
) -> SearchOutcome:
    """Describes the choice of a search, and what the search cost.

    Args:
        choice: Of the search.
        trials: Of the search.
        full_epochs: Of a training that is not cut short.
        notes: Sentences on the space.
    """

    def list_untrained(status: str) -> tuple[Untrained, ...]:
        return tuple(Untrained(point=t.point, reason=t.reason or "") for t in trials if t.status == status)

    searched = [trial for trial in trials if trial.status != "dropped"]
    spent = {
        stage: sum(trial.epochs_spent for trial in searched if trial.stage == stage)
        for stage in ("backbone", "search", "finalists")
    }
    points = {trial.point for trial in searched if trial.stage != "backbone"}
    return SearchOutcome(
        winner=choice.winner.name,
        best=choice.best.name,
        sentences=(*describe_choice(choice), *notes, *describe_skipped(trials)),
        finalists=tuple(
            Finalist(
                point=candidate.name,
                macs=candidate.macs,
                valid_accuracies=tuple(candidate.correct.mean(axis=1).tolist()),
                valid_images=candidate.correct.shape[1],
            )
            for candidate in choice.candidates
        ),
        differences=choice.differences,
        winner_differences=choice.winner_differences,
        learned=None if choice.learned is None else choice.learned.name,
        learned_differences=choice.learned_differences,
        reference_differences=choice.reference_differences,
        seed_deviation=choice.seed_deviation,
        is_seed_deviation_measured=choice.is_seed_deviation_measured,
        epochs=Spending(**spent, every_point_fully=full_epochs * len(points)),
        dropped=list_untrained("dropped"),
        failed=list_untrained("failed"),
        skipped=list_untrained("skipped"),
    )
