"""Search: tries placements and token counts with KerasTuner and tells which is best on valid."""

import dataclasses
import json
import pathlib
import time
from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.fit import compile_model
from components.trainer.progress import EpochReporter
from models.macs import count_macs
from models.search_space import TokenLearnerHyperModel
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One point of the space, trained for `SearchConfig.epochs`."""

    blocks_before_token_learner: int
    num_tokens: int
    valid_accuracy: float  # of the best epoch, 0..1
    macs: int  # true multiply-accumulates an image
    epochs: int
    seconds: float


class ReportingGridSearch(keras_tuner.GridSearch):
    """KerasTuner's grid search that reports its progress and times its trials.

    Args:
        epochs: Epochs a trial.
        trials: Trials of this search.
        epochs_in_step: Epochs of the whole step, the final fit included.
        **kwargs: Of `keras_tuner.GridSearch`.
    """

    def __init__(self, *, epochs: int, trials: int, epochs_in_step: int, **kwargs: Any) -> None:
        self.epochs = epochs
        self.trials = trials
        self.epochs_in_step = epochs_in_step
        self.trial_seconds: dict[str, float] = {}
        super().__init__(**kwargs)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> Any:
        """Trains one point."""
        done = len(self.trial_seconds)
        reporter = EpochReporter(
            f"trial {done + 1} of {self.trials}", self.epochs, done * self.epochs, self.epochs_in_step
        )
        begin = time.monotonic()
        try:
            results = super().run_trial(trial, *args, epochs=self.epochs, callbacks=[reporter], **kwargs)
        except Exception as error:  # KerasTuner would drop the trial without a word and choose among the others
            raise keras_tuner.errors.FatalRuntimeError(f"trial {done + 1} failed: {error}") from error
        self.trial_seconds[trial.trial_id] = time.monotonic() - begin
        return results


def count_trials(config: TrainerConfig) -> int:
    """Returns how many points the search will try."""
    return min(config.search.max_trials, len(config.search.placements) * len(config.search.token_counts))


def search(config: TrainerConfig, train: tf.data.Dataset, valid: tf.data.Dataset, folder: pathlib.Path) -> list[Trial]:
    """Trains every point of the space for a few epochs.

    Args:
        config: The trunk, the space, how to train.
        train: Batches of `training_batches`.
        valid: Batches of `validation_batches`.
        folder: Gets KerasTuner's own files and `trials.jsonl`.

    Returns:
        The trials, best validation accuracy first; of equals, the one with fewer MACs.
    """
    keras.utils.set_random_seed(config.fit.seed)
    hypermodel = TokenLearnerHyperModel(
        config.trunk,
        config.search.placements,
        config.search.token_counts,
        lambda model: compile_model(model, config.fit, steps=config.search.epochs * int(train.cardinality())),
    )
    trials = count_trials(config)
    tuner = ReportingGridSearch(
        epochs=config.search.epochs,
        trials=trials,
        epochs_in_step=trials * config.search.epochs + config.fit.epochs,
        hypermodel=hypermodel,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_trials=trials,
        seed=config.fit.seed,
        directory=str(folder),
        project_name="keras_tuner",
        overwrite=True,
    )
    tuner.search(train, validation_data=valid, verbose=0)
    results = [
        _to_trial(trial, hypermodel.vit_config(trial.hyperparameters), config, tuner.trial_seconds)
        for trial in tuner.oracle.get_best_trials(trials)
    ]
    results.sort(key=lambda trial: (-trial.valid_accuracy, trial.macs))
    lines = [json.dumps(dataclasses.asdict(trial)) for trial in results]
    (folder / "trials.jsonl").write_text("\n".join(lines) + "\n")
    return results


def winning_config(config: TrainerConfig, trials: list[Trial]) -> ViTConfig:
    """Returns the network of the best trial."""
    best = trials[0]
    return dataclasses.replace(
        config.trunk, blocks_before_token_learner=best.blocks_before_token_learner, num_tokens=best.num_tokens
    )


def _to_trial(
    trial: keras_tuner.engine.trial.Trial, vit_config: ViTConfig, config: TrainerConfig, seconds: dict[str, float]
) -> Trial:
    assert vit_config.blocks_before_token_learner is not None
    assert vit_config.num_tokens is not None
    return Trial(
        blocks_before_token_learner=vit_config.blocks_before_token_learner,
        num_tokens=vit_config.num_tokens,
        valid_accuracy=trial.score,
        macs=count_macs(vit_config).total,
        epochs=config.search.epochs,
        seconds=round(seconds[trial.trial_id], 2),
    )
