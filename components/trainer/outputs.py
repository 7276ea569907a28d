"""Outputs of the search in the Trainer's model run folder: its outcome, and logs for TensorBoard."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from components.artifacts.epoch import Epoch
from components.artifacts.search_outcome import Finalist, SearchOutcome, Spending, Untrained
from components.artifacts.trial import Trial
from components.trainer.findings import describe_choice, describe_skipped
from components.trainer.search.selection import Choice

_METRIC = "epoch_val_accuracy"


def describe_search(choice: Choice, trials: Sequence[Trial], full_epochs: int) -> SearchOutcome:
    """Describes the choice of a search, and what the search cost.

    Args:
        choice: Of the search.
        trials: Of the search.
        full_epochs: Of a training that is not cut short.
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
        sentences=(*describe_choice(choice), *describe_skipped(trials)),
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


def write_tensorboard(trials: Sequence[Trial], folder: pathlib.Path) -> None:
    """Writes a run for each completed trial, with its hyperparameters for the HParams plugin.

    Args:
        trials: Of a search.
        folder: `tensorboard --logdir`.
    """
    names = dict.fromkeys((*(name for trial in trials for name in trial.config), "seed", "round", "mmacs"))
    with tf.summary.create_file_writer(str(folder)).as_default():
        hparams.hparams_config(
            hparams=list(map(hparams.HParam, names)),
            metrics=[hparams.Metric(_METRIC, display_name="validation accuracy")],
        )
    for trial in trials:
        if trial.status == "completed":
            name = f"{trial.stage}-{trial.trial_id}-{trial.point}-seed-{trial.seed}"
            values = {**trial.config, "seed": trial.seed, "round": trial.round, "mmacs": round(trial.macs / 1e6, 2)}
            with tf.summary.create_file_writer(str(folder / name)).as_default():
                hparams.hparams(values, trial_id=name)
            write_curve(trial.history, folder / name)


def write_curve(history: Sequence[Epoch], folder: pathlib.Path) -> None:
    """Writes losses and accuracies of epochs, named as by Keras's own callback."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        for epoch in history:
            tf.summary.scalar("epoch_loss", epoch.train_loss, step=epoch.epoch)
            tf.summary.scalar("epoch_accuracy", epoch.train_accuracy, step=epoch.epoch)
            tf.summary.scalar("epoch_val_loss", epoch.valid_loss, step=epoch.epoch)
            tf.summary.scalar(_METRIC, epoch.valid_accuracy, step=epoch.epoch)
