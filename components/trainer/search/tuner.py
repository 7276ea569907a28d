"""Tuners: train what an oracle of KerasTuner proposes."""

import dataclasses
import pathlib
from typing import Any, Literal

import keras_tuner
import tensorflow as tf

from components.artifacts.trial import Trial, append_trial
from components.trainer.config import TrainerConfig
from components.trainer.data.examples import count_batches
from components.trainer.progress import EpochReporter
from components.trainer.search import proposals, trials
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter, TrainingFailedError
from components.trainer.training.optimizer import compile_model
from models.hypermodel import TokenLearnerHyperModel
from models.macs import count_macs
from models.search_space import describe_point, name_point
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a trial of KerasTuner asks for."""

    network: ViTConfig
    seed: int
    round: int  # rung of halving, from 0
    initial_epoch: int  # trained before, as far as the oracle knows
    epochs: int  # to train up to


class PointTuner(keras_tuner.Tuner):
    """Trains points of the space; a trial that fails tells why among its hyperparameters, and the search goes on.

    Args:
        config: The space, and how to train.
        fitter: Trains, and keeps what is trained.
        **kwargs: Of `keras_tuner.Tuner`.
    """

    def __init__(self, *, config: TrainerConfig, fitter: Fitter, **kwargs: Any) -> None:
        self.fitter = fitter
        self.seed = config.fit.seed  # of proposals without one
        self.schedule_epochs = config.search.max_epochs  # over which the learning rate decays
        steps = self.schedule_epochs * count_batches(fitter.train, config.fit)
        self.point_model = TokenLearnerHyperModel(config.space(), lambda model: compile_model(model, config.fit, steps))
        super().__init__(hypermodel=self.point_model, **kwargs)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> dict[str, float]:  # noqa: ARG002
        """Trains one point up to the epoch that the oracle asks for.

        Raises:
            keras_tuner.errors.FailedTrialError: If it came to nothing.
        """
        proposal = self.read_proposal(trial)
        try:
            training = self.fitter.fit(
                proposal.network,
                seed=proposal.seed,
                epochs=proposal.epochs,
                schedule_epochs=self.schedule_epochs,
                reporter=self.make_reporter(trial, proposal),
            )
        except Exception as error:
            # Of all that a trial holds, this comes back from another process.
            trial.hyperparameters.values[proposals.REASON] = describe_failure(error)
            raise keras_tuner.errors.FailedTrialError(describe_failure(error)) from error
        return {proposals.OBJECTIVE.name: training.epochs[proposal.epochs - 1].valid_accuracy}

    def read_proposal(self, trial: keras_tuner.engine.trial.Trial) -> Proposal:
        """Reads what a trial asks for out of its hyperparameters."""
        values = trial.hyperparameters.values
        return Proposal(
            network=self.point_model.vit_config(trial.hyperparameters),
            seed=values.get(proposals.SEED, self.seed),
            round=values.get(proposals.ROUND, 0),
            initial_epoch=values.get(proposals.INITIAL_EPOCH, 0),
            epochs=values.get(proposals.EPOCHS, self.schedule_epochs),
        )

    def make_reporter(self, trial: keras_tuner.engine.trial.Trial, proposal: Proposal) -> EpochReporter:
        """Returns what tells how far a trial is; by itself it counts the trial's own epochs."""
        seed = "" if proposal.seed == self.seed else f", seed {proposal.seed}"
        phase = f"trial {int(trial.trial_id) + 1}, {name_point(proposal.network)}{seed}"
        return EpochReporter(phase, proposal.epochs, epochs_before=-proposal.initial_epoch, epochs_in_step=1)


class StageTuner(PointTuner):
    """The tuner of a stage of the search, which records what its trials came to.

    Args:
        stage: What the trials are for.
        epochs_before: Epochs of the step that are done before this stage.
        epochs_in_step: Epochs of the whole step, about.
        folder: Gets a line in `trials.jsonl` for each trial as it ends.
        trainings: Gets each training by its network and seed.
        **kwargs: Of `PointTuner`.
    """

    def __init__(
        self,
        *,
        stage: Literal["search", "finalists"],
        epochs_before: int,
        epochs_in_step: int,
        folder: pathlib.Path,
        trainings: dict[tuple[ViTConfig, int], Checkpoint],
        **kwargs: Any,
    ) -> None:
        self.stage = stage
        self.epochs_done = epochs_before
        self.epochs_in_step = epochs_in_step
        self.folder = folder
        self.results: list[Trial] = []
        self.trainings = trainings
        super().__init__(project_name=stage, **kwargs)

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tells the oracle, and records the trial."""
        super().on_trial_end(trial)
        self.record(trial)

    def record(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Records a trial that has ended, whichever process trained it.

        Raises:
            FileNotFoundError: If the folder of checkpoints does not hold what was trained.
        """
        proposal = self.read_proposal(trial)
        result = self._describe(trial, proposal)
        if trial.status == "COMPLETED":
            training = self.fitter.find(proposal.network, seed=proposal.seed, schedule_epochs=self.schedule_epochs)
            if training is None:
                raise FileNotFoundError(f"{self.fitter.folder} holds no whole checkpoint of {result.point}")
            self.trainings[proposal.network, proposal.seed] = training
            result = trials.complete(result, training)
        self.results.append(result)
        append_trial(result, self.folder)
        self.epochs_done += result.epochs_spent

    def _describe(self, trial: keras_tuner.engine.trial.Trial, proposal: Proposal) -> Trial:
        point = name_point(proposal.network)
        # A bracket of Hyperband begins at epoch 0 with points that an earlier one has trained.
        done = [t.epochs for t in self.results if (t.point, t.seed, t.status) == (point, proposal.seed, "completed")]
        return Trial(
            stage=self.stage,
            trial_id=trial.trial_id,
            round=proposal.round,
            point=point,
            config=describe_point(proposal.network),
            seed=proposal.seed,
            initial_epoch=min(proposal.epochs, max(proposal.initial_epoch, *done, 0)),
            epochs=proposal.epochs,
            macs=count_macs(proposal.network).total,
            status="completed" if trial.status == "COMPLETED" else "failed",
            reason=trial.hyperparameters.values.get(proposals.REASON),
        )

    def make_reporter(self, trial: keras_tuner.engine.trial.Trial, proposal: Proposal) -> EpochReporter:
        """Returns what tells how far the whole step is."""
        reporter = super().make_reporter(trial, proposal)
        reporter.epochs_before = self.epochs_done - self._describe(trial, proposal).initial_epoch
        reporter.epochs_in_step = max(self.epochs_in_step, self.epochs_done + 1)
        return reporter


def describe_failure(error: Exception) -> str:
    """Says in one sentence why a training failed."""
    if isinstance(error, TrainingFailedError):
        return str(error)
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return "out of memory"
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
