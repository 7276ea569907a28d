"""What the Trainer leaves in its model run folder for people and for later steps."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from components.artifacts.epoch import Epoch
from components.trainer.findings import describe_choice
from components.trainer.search.selection import Candidate, Choice, Difference
from components.trainer.search.trials import Trial

_METRIC = "epoch_val_accuracy"


def write_pareto(trials: Sequence[Trial], path: pathlib.Path) -> None:
    """Writes validation accuracy against true multiply-accumulates, and which points no other one dominates.

    Accuracies after different numbers of epochs do not compare, so each number of epochs that trials ended with has its
    own front.

    Args:
        trials: Of a search.
        path: The JSON file.
    """
    epochs = sorted({trial.epochs for trial in trials if trial.status == "completed"})
    rungs = [{"epochs": ended, "points": _find_front(_average_points(trials, ended))} for ended in epochs]
    path.write_text(json.dumps(rungs, indent=2))


def _average_points(trials: Sequence[Trial], epochs: int) -> list[dict[str, Any]]:
    accuracies: dict[str, dict[int, float]] = {}  # by point and seed, which two brackets of Hyperband may ask for
    macs = {trial.point: trial.macs for trial in trials}
    for trial in trials:
        if trial.status == "completed" and trial.epochs == epochs and trial.valid_accuracy is not None:
            accuracies.setdefault(trial.point, {})[trial.seed] = trial.valid_accuracy
    return [
        {"point": point, "macs": macs[point], "valid_accuracy": sum(seeds.values()) / len(seeds), "seeds": len(seeds)}
        for point, seeds in accuracies.items()
    ]


def _find_front(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the points, cheapest first, each with whether it is more accurate than all that cost as much or less."""
    best = -1.0
    ranked = []
    for point in sorted(points, key=lambda point: (point["macs"], -point["valid_accuracy"])):
        ranked.append({**point, "is_on_front": point["valid_accuracy"] > best})
        best = max(best, point["valid_accuracy"])
    return ranked


def write_search(choice: Choice, trials: Sequence[Trial], full_epochs: int, path: pathlib.Path) -> None:
    """Writes what the search chose and how sure that is.

    Args:
        choice: Of a search.
        trials: Of the same search.
        full_epochs: Of a training that is not cut short.
        path: The JSON file.
    """
    searched = [trial for trial in trials if trial.status != "dropped"]
    spent = {
        stage: sum(trial.epochs_spent for trial in searched if trial.stage == stage)
        for stage in ("search", "finalists")
    }
    found = {
        "winner": choice.winner.name,
        "best": choice.best.name,
        "sentences": describe_choice(choice),
        "candidates": [_describe_candidate(candidate) for candidate in choice.candidates],
        "differences": [_describe_difference(difference) for difference in choice.differences],
        "winner_differences": [_describe_difference(difference) for difference in choice.winner_differences],
        "learned": None if choice.learned is None else choice.learned.name,
        "learned_differences": [_describe_difference(difference) for difference in choice.learned_differences],
        "seed_deviation": choice.seed_deviation,
        "is_seed_deviation_measured": choice.is_seed_deviation_measured,
        "epochs": spent | {"every_point_fully": full_epochs * len({trial.point for trial in searched})},
        "dropped": [{"point": trial.point, "reason": trial.reason} for trial in trials if trial.status == "dropped"],
        "failed": [{"point": trial.point, "reason": trial.reason} for trial in trials if trial.status == "failed"],
    }
    path.write_text(json.dumps(found, indent=2))


def _describe_candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "point": candidate.name,
        "macs": candidate.macs,
        "valid_accuracy": candidate.accuracy,
        "valid_accuracies": candidate.correct.mean(axis=1).tolist(),  # of each seed
        "valid_images": candidate.correct.shape[1],
    }


def _describe_difference(difference: Difference) -> dict[str, Any]:
    return dataclasses.asdict(difference) | {
        "interval": difference.interval,
        "is_larger_than_noise": difference.is_larger_than_noise,
    }


def write_tensorboard(trials: Sequence[Trial], folder: pathlib.Path) -> None:
    """Writes a run for each trial, with its hyperparameters for the HParams plugin.

    Args:
        trials: Of a search.
        folder: `tensorboard --logdir`.
    """
    with tf.summary.create_file_writer(str(folder)).as_default():
        hparams.hparams_config(
            hparams=[hparams.HParam(name) for name in (*_names(trials), "seed", "round", "mmacs")],
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
    """Writes losses and accuracies of epochs as Keras's own callback names them."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        for epoch in history:
            tf.summary.scalar("epoch_loss", epoch.train_loss, step=epoch.epoch)
            tf.summary.scalar("epoch_accuracy", epoch.train_accuracy, step=epoch.epoch)
            tf.summary.scalar("epoch_val_loss", epoch.valid_loss, step=epoch.epoch)
            tf.summary.scalar(_METRIC, epoch.valid_accuracy, step=epoch.epoch)


def _names(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(name for trial in trials for name in trial.config))
