"""The tuner: trains what an oracle proposes and records how it went."""

import dataclasses
import pathlib
from typing import Any, Literal

import keras_tuner
import tensorflow as tf

from components.trainer import plans, trials
from components.trainer.checkpoint import Checkpoint
from components.trainer.fit import Fitter, TrainingFailedError
from components.trainer.progress import EpochReporter
from components.trainer.trials import Trial
from models.hypermodel import TokenLearnerHyperModel
from models.macs import count_macs
from models.search_space import describe_point, name_point
from models.vit_config import ViTConfig


class PointTuner(keras_tuner.Tuner):
    """Trains points of the space; a trial that fails is recorded, and the search goes on.

    Args:
        stage: What the trials are for.
        fitter: Trains, and keeps what is trained.
        schedule_epochs: Over which the learning rate decays.
        seed: For proposals without one.
        epochs_before: Epochs of the step that are done before this stage.
        epochs_in_step: Epochs of the whole step, about.
        path: Of `trials.jsonl`, which gets a line for each trial as it ends.
        hypermodel: What hyperparameters stand for.
        trainings: Gets each training by its network and seed.
        **kwargs: Of `keras_tuner.Tuner`.
    """

    def __init__(
        self,
        *,
        stage: Literal["search", "finalists"],
        fitter: Fitter,
        schedule_epochs: int,
        seed: int,
        epochs_before: int,
        epochs_in_step: int,
        path: pathlib.Path,
        hypermodel: TokenLearnerHyperModel,
        trainings: dict[tuple[ViTConfig, int], Checkpoint],
        **kwargs: Any,
    ) -> None:
        self.stage = stage
        self.fitter = fitter
        self.schedule_epochs = schedule_epochs
        self.default_seed = seed
        self.epochs_done = epochs_before
        self.epochs_in_step = epochs_in_step
        self.path = path
        self.point_model = hypermodel
        self.results: list[Trial] = []
        self.trainings = trainings
        super().__init__(hypermodel=hypermodel, **kwargs)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> dict[str, float]:  # noqa: ARG002
        """Trains one point up to the epoch that the oracle asks for.

        Raises:
            keras_tuner.errors.FailedTrialError: If it came to nothing.
        """
        network = self.point_model.vit_config(trial.hyperparameters)
        planned = self._plan(trial, network)
        try:
            result = trials.complete(planned, self._train(network, planned))
        except Exception as error:
            result = dataclasses.replace(planned, status="failed", reason=describe_failure(error))
        self.results.append(result)
        trials.append(result, self.path)
        self.epochs_done += planned.epochs_spent
        if result.valid_accuracy is None:
            raise keras_tuner.errors.FailedTrialError(result.reason)
        return {plans.OBJECTIVE.name: result.valid_accuracy}

    def _plan(self, trial: keras_tuner.engine.trial.Trial, network: ViTConfig) -> Trial:
        values = trial.hyperparameters.values
        point, seed = name_point(network), values.get(plans.SEED, self.default_seed)
        epochs = values.get(plans.EPOCHS, self.schedule_epochs)
        # A bracket of Hyperband begins at epoch 0 with points that an earlier one has trained.
        done = [t.epochs for t in self.results if (t.point, t.seed, t.status) == (point, seed, "completed")]
        return Trial(
            stage=self.stage,
            trial_id=trial.trial_id,
            round=values.get(plans.ROUND, 0),
            point=point,
            config=describe_point(network),
            seed=seed,
            initial_epoch=min(epochs, max(values.get(plans.INITIAL_EPOCH, 0), *done, 0)),
            epochs=epochs,
            macs=count_macs(network).total,
            status="completed",
        )

    def _train(self, network: ViTConfig, planned: Trial) -> Checkpoint:
        training = self.fitter.fit(
            network,
            seed=planned.seed,
            epochs=planned.epochs,
            schedule_epochs=self.schedule_epochs,
            reporter=self._report(planned),
        )
        self.trainings[network, planned.seed] = training
        return training

    def _report(self, planned: Trial) -> EpochReporter:
        seed = "" if planned.seed == self.default_seed else f", seed {planned.seed}"
        phase = f"trial {len(self.results) + 1}, {planned.point}{seed}"
        return EpochReporter(
            phase,
            planned.epochs,
            self.epochs_done - planned.initial_epoch,
            max(self.epochs_in_step, self.epochs_done + 1),
        )


def describe_failure(error: Exception) -> str:
    """Says in one sentence why a training failed."""
    if isinstance(error, TrainingFailedError):
        return str(error)
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return "out of memory"
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
