"""Tuners: train what an oracle of KerasTuner proposes."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import keras_tuner
import tensorflow as tf

from components.artifacts.trial import Trial, append_trial
from components.trainer.config import TrainerConfig
from components.trainer.listener import Training
from components.trainer.progress import EpochReporter, Progress
from components.trainer.search import proposals
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter, OutOfTimeError, TrainingFailedError
from models.hypermodel import TokenLearnerHyperModel
from models.macs import count_macs
from models.search_space import describe_point, name_point
from models.vit_config import ViTConfig

Stage = Literal["search", "finalists"]


class PointTuner(keras_tuner.Tuner):
    """Trains points of the space; a failed trial keeps the reason among its hyperparameters, and the search goes on.

    Args:
        config: The space, and how to train.
        fitter: Trains, and keeps the trainings.
        deadline: `time.time()` after which trials fail; None: there is none.
        **kwargs: Of `keras_tuner.Tuner`.
    """

    def __init__(self, *, config: TrainerConfig, fitter: Fitter, deadline: float | None = None, **kwargs: Any) -> None:
        self.fitter = fitter
        self.seed = config.fit.seed  # of proposals without one
        self.schedule = config.search.schedule
        self.deadline = deadline
        self._points = TokenLearnerHyperModel(config.space())
        super().__init__(**kwargs)

    def _populate_initial_space(self) -> None:
        """Registers the hyperparameters; KerasTuner's own method builds networks to find them."""
        space = self.oracle.get_space()
        self._points.vit_config(space)
        self.oracle.update_space(space)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any) -> dict[str, float]:  # noqa: ARG002
        """Trains one point up to the proposed epoch.

        Raises:
            keras_tuner.errors.FailedTrialError: If it has no result.
        """
        network, seed, epochs = self.read(trial)
        try:
            training = self.fitter.fit(
                network,
                seed=seed,
                epochs=epochs,
                schedule=self.schedule,
                reporter=self.make_reporter(trial),
                deadline=self.deadline,
            )
        except OutOfTimeError as error:
            trial.hyperparameters.values[proposals.REASON] = proposals.OUT_OF_TIME
            raise keras_tuner.errors.FailedTrialError(proposals.OUT_OF_TIME) from error
        except Exception as error:
            trial.hyperparameters.values[proposals.REASON] = describe_failure(error)
            raise keras_tuner.errors.FailedTrialError(describe_failure(error)) from error
        return {proposals.OBJECTIVE.name: training.epochs[epochs - 1].valid_accuracy}

    def read(self, trial: keras_tuner.engine.trial.Trial) -> tuple[ViTConfig, int, int]:
        """Returns a trial's network, its seed, and the epoch up to which it is trained."""
        values = trial.hyperparameters.values
        seed, epochs = values.get(proposals.SEED, self.seed), values.get(proposals.EPOCHS, self.schedule.epochs)
        return self._points.vit_config(trial.hyperparameters), seed, epochs

    def make_reporter(self, trial: keras_tuner.engine.trial.Trial) -> EpochReporter | None:  # noqa: ARG002
        """Returns None: a worker reports nothing, because the chief reports each trial that has ended."""
        return None


class StageTuner(PointTuner):
    """The tuner of a stage of the search, which records the results of its trials.

    Args:
        stage: Why the trials are made.
        trials: Gets each trial as it ends; may hold those of an earlier stage.
        progress: Of the whole step.
        folder: Gets a line in `trials.jsonl` for each trial.
        **kwargs: Of `PointTuner`.
    """

    def __init__(
        self, *, stage: Stage, trials: list[Trial], progress: Progress, folder: pathlib.Path, **kwargs: Any
    ) -> None:
        self.stage = stage
        self.trials = trials
        self.progress = progress
        self.folder = folder
        self._saved: dict[pathlib.Path, int] = {}  # time of each checkpoint of a worker, in nanoseconds
        super().__init__(project_name=stage, **kwargs)

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Passes the trial to the oracle, and records it."""
        super().on_trial_end(trial)
        self.record(trial)

    def record(self, trial: keras_tuner.engine.trial.Trial) -> Trial:
        """Records a trial that has ended, in this process or in another.

        Raises:
            FileNotFoundError: If the folder of checkpoints does not hold the training.
        """
        result = self._describe(trial)
        if trial.status == "COMPLETED":
            network, seed, _ = self.read(trial)
            training = self.fitter.find(network, seed=seed, schedule=self.schedule)
            if training is None:
                raise FileNotFoundError(f"{self.fitter.folder} holds no whole checkpoint of {result.point}")
            result = complete(result, training)
        keep_trial(result, self.trials, self.progress, self.folder)
        return result

    def _describe(self, trial: keras_tuner.engine.trial.Trial) -> Trial:
        network, seed, epochs = self.read(trial)
        values = trial.hyperparameters.values
        # The finalists begin at epoch 0 with points that are already trained.
        done = max(values.get(proposals.INITIAL_EPOCH, 0), count_epochs(self.trials, network, seed))
        is_skipped = values.get(proposals.REASON) == proposals.OUT_OF_TIME
        return Trial(
            stage=self.stage,
            trial_id=trial.trial_id,
            round=values.get(proposals.ROUND, 0),
            point=name_point(network),
            config=describe_point(network),
            seed=seed,
            initial_epoch=min(epochs, done),
            epochs=min(epochs, done) if is_skipped else epochs,
            macs=count_macs(network).total,
            status="skipped" if is_skipped else "failed",
            reason=values.get(proposals.REASON),
        )

    def make_reporter(self, trial: keras_tuner.engine.trial.Trial) -> EpochReporter:
        """Returns what reports the epochs of a trial as a share of the whole step."""
        result = self._describe(trial)
        scores = [
            (each.valid_accuracy, each.point)
            for each in self.trials
            if each.valid_accuracy is not None and each.stage != "backbone"
        ]
        best = max(scores, default=None)
        epochs = (result.epochs, result.initial_epoch)
        return EpochReporter(self.progress, self._name_phase(result), describe_training(result), *epochs, best)

    def _name_phase(self, trial: Trial) -> str:
        """Names the place of a trial in the search, such as "rung 2/3 · candidate 7/21"."""
        rungs = getattr(self.oracle, "rungs", ())
        number = 1 + sum((each.stage, each.round) == (self.stage, trial.round) for each in self.trials)
        total = (
            rungs[trial.round].points if rungs else len(self.oracle.trials) + len(getattr(self.oracle, "waiting", ()))
        )
        stage = "finalists · " if self.stage == "finalists" else ""
        rung = f"rung {trial.round + 1}/{len(rungs)} · " if len(rungs) > 1 else ""
        return f"{stage}{rung}candidate {number}/{total}"

    def log_running_trials(self) -> None:
        """Logs the epochs in new checkpoints of workers."""
        for trial in list(self.oracle.ongoing_trials.values()):
            network, seed, epochs = self.read(trial)
            path = self.fitter.locate(network, seed, self.schedule)
            saved = path.stat().st_mtime_ns if path.exists() else 0
            if saved > self._saved.get(path, 0):
                self._saved[path] = saved
                training = self.fitter.find(network, seed=seed, schedule=self.schedule)
                if training:
                    self.progress.log_epochs(describe_training(self._describe(trial)), training.epochs[:epochs])


def keep_trial(trial: Trial, trials: list[Trial], progress: Progress, folder: pathlib.Path) -> None:
    """Adds a trial to those of a search, to the work that is done, and to the file `trials.jsonl` of a folder."""
    trials.append(trial)
    progress.done_work += trial.macs * trial.epochs_spent
    append_trial(trial, folder)
    if trial.status != "dropped":
        progress.end_training(describe_training(trial), trial.history, dataclasses.asdict(trial))


def describe_training(trial: Trial) -> Training:
    """Describes the training of a trial for listeners; the rungs of halving continue one training."""
    name = f"{trial.point},seed={trial.seed}"
    return Training(name=name, network=trial.point, macs=trial.macs, config=trial.config, seed=trial.seed)


def complete(trial: Trial, training: Checkpoint) -> Trial:
    """Returns a trial with the results of its training."""
    last, history = training.epochs[trial.epochs - 1], training.epochs[trial.initial_epoch : trial.epochs]
    return dataclasses.replace(
        trial,
        status="completed",
        reason=None,
        parameters=training.parameters,
        train_accuracy=last.train_accuracy,
        train_loss=last.train_loss,
        valid_accuracy=last.valid_accuracy,
        valid_loss=last.valid_loss,
        seconds=round(sum(epoch.seconds for epoch in history), 3),
        history=history or (last,),
    )


def count_epochs(trials: Sequence[Trial], point: ViTConfig, seed: int) -> int:
    """Returns how many epochs of a point with a seed the completed trials have trained."""
    key = (name_point(point), seed, "completed")
    return max((trial.epochs for trial in trials if (trial.point, trial.seed, trial.status) == key), default=0)


def describe_failure(error: Exception) -> str:
    """Describes in one line why a training failed."""
    if isinstance(error, TrainingFailedError):
        return str(error)
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return "out of memory"
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
