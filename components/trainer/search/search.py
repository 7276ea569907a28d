"""Search: tries the points of the space with KerasTuner, and chooses the winner on the valid split."""

import dataclasses
import pathlib
from collections.abc import Sequence

import keras_tuner
import numpy as np

from components.artifacts.trial import TRIALS_FILE, Trial
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.findings import describe_left_out, describe_start
from components.trainer.listener import Listener
from components.trainer.progress import EpochReporter, Progress, report_notice
from components.trainer.search.chief import Chief
from components.trainer.search.oracles import make_oracle
from components.trainer.search.plan import describe_found, plan_work
from components.trainer.search.proposals import OUT_OF_TIME, PlanOracle, propose
from components.trainer.search.selection import Candidate, Choice, choose
from components.trainer.search.tuner import Stage, StageTuner, complete, count_epochs, describe_training, keep_trial
from components.trainer.training.fitter import Fitter, OutOfTimeError, TrainingFailedError
from models.macs import count_macs
from models.search_space import describe_point, find_controls, find_references, is_learned, name_point, split_name
from models.vit_config import ViTConfig


class SearchFailedError(Exception):
    """No trial has a result; the message gives the reason of the first failure."""


class Search:
    """Two stages: the oracle's search with one seed, then the finalists with all seeds.

    Before that, the backbone is trained, if all points start from its weights.

    Args:
        config: The space, its compute ceiling, how to choose.
        fitter: Trains.
        folder: Gets `trials.jsonl` and KerasTuner's own files.
        chief: Has other processes train; None: this one trains.
        deadline: `time.time()` after which no epoch ends; None: there is none.
        listeners: Follow all trainings.
    """

    def __init__(
        self,
        config: TrainerConfig,
        fitter: Fitter,
        folder: pathlib.Path,
        chief: Chief | None = None,
        deadline: float | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.config = config
        self.fitter = fitter
        self.folder = folder
        self.chief = chief
        self.deadline = deadline
        self.points = sorted(config.affordable_points(), key=lambda point: count_macs(point).total)
        self.trials: list[Trial] = []
        self.notes = describe_left_out(config.space())  # sentences on the space and the initial model
        if config.initial_model:
            fitting, weights = fitter.find_initial_weights(config.backbone)
            self.notes += (describe_start(config.initial_model.title, len(fitting), weights),)
        self.seeds = range(config.fit.seed, config.fit.seed + config.search.seeds)
        self.progress = Progress(listeners)

    def run(self) -> Choice:
        """Searches; `trials` then holds everything that was tried.

        Raises:
            SearchFailedError: If no trial has a result.
        """
        (self.folder / TRIALS_FILE).unlink(missing_ok=True)
        for note in self.notes:
            report_notice(note)
        self._drop_expensive_points()
        search = self.config.search
        self._plan_work()
        self._report_resumption()
        self._train_backbones(self.seeds[0])
        self._run_stage("search", make_oracle(self.points, search, self.config.fit.seed))
        finalists = self.find_finalists()
        if not finalists:
            failed = next(trial for trial in self.trials if trial.status in ("failed", "skipped"))
            raise SearchFailedError(f"all trials failed; the first one, {failed.point}: {failed.reason}")
        missing = [
            (point, seed)
            for point in finalists
            for seed in self.seeds
            if count_epochs(self.trials, point, seed) < search.max_epochs
        ]
        for seed in sorted({seed for _, seed in missing}):
            self._train_backbones(seed)
        self._plan_work(missing)
        plan = [propose(point, epochs=search.max_epochs, seed=seed) for point, seed in missing]
        self._run_stage("finalists", PlanOracle(plan))
        self._plan_work([])
        return choose(
            self._gather_candidates(finalists),
            contenders=(*search.reducers, *(search.controls if search.controls_may_win else ())),
            assumed_seed_deviation=search.seed_deviation,
        )

    def _plan_work(self, missing: Sequence[tuple[ViTConfig, int]] | None = None) -> None:
        """Estimates the work of the whole step, the final fit included.

        Args:
            missing: Trainings of finalists to come; None: the finalists are not known yet.
        """
        search, progress = self.config.search, self.progress
        mean = sum(count_macs(point).total for point in self.points) / len(self.points)
        left = plan_work(self.config) if missing is None else self.config.fit.epochs * mean
        progress.planned_networks = len(self.points) if missing is None else 0
        for point, seed in missing or ():
            left += count_macs(point).total * (search.max_epochs - count_epochs(self.trials, point, seed))
        progress.planned_work = progress.done_work + left

    def _report_resumption(self) -> None:
        """Reports how many trainings of the search earlier processes have left."""
        search = self.config.search
        found = [self.fitter.find(point, seed=self.seeds[0], schedule=search.schedule) for point in self.points]
        if any(found):
            epochs = [len(training.epochs) if training else 0 for training in found]
            report_notice(f"Resuming: {describe_found(epochs, search)}")

    def _train_backbones(self, seed: int) -> None:
        """Trains the network whose weights all points of a shape and a seed start from, unless the time is over."""
        schedule = self.config.search.schedule.of_backbone
        if schedule is None or any((trial.stage, trial.seed) == ("backbone", seed) for trial in self.trials):
            return
        for network in self.config.backbones():
            self._train_backbone(network, seed, schedule)

    def _train_backbone(self, network: ViTConfig, seed: int, schedule: Schedule) -> None:
        trial = Trial(
            stage="backbone",
            trial_id=None,
            round=0,
            point=f"backbone{split_name(name_point(network))[1]}",
            config=describe_point(network),
            seed=seed,
            initial_epoch=0,
            epochs=schedule.epochs,
            macs=count_macs(network).total,
            status="skipped",
            reason=OUT_OF_TIME,
        )
        phase = "backbone" if seed == self.seeds[0] else f"backbone with seed {seed}"
        training = dataclasses.replace(describe_training(trial), network=name_point(network))
        try:
            done = self.fitter.fit(
                network,
                seed=seed,
                schedule=schedule,
                reporter=EpochReporter(self.progress, phase, training, schedule.epochs),
                deadline=self.deadline,
            )
            trial = complete(trial, done)
        except OutOfTimeError:
            trial = dataclasses.replace(trial, epochs=0)
        except TrainingFailedError as error:
            raise SearchFailedError(f"the backbone could not be trained: {error}") from error
        keep_trial(trial, self.trials, self.progress, self.folder)

    def find_finalists(self) -> list[ViTConfig]:
        """Finds the points to be compared: the best ones, the best learned one with its controls, and references."""
        reached = {
            trial.point: (-trial.epochs, -trial.valid_accuracy)
            for trial in sorted(self.trials, key=lambda trial: trial.epochs)
            if trial.valid_accuracy is not None
        }
        trained = [point for point in self.points if name_point(point) in reached]
        ranked = sorted(trained, key=lambda point: reached[name_point(point)])
        finalists = ranked[: self.config.search.finalists]
        learned = next((point for point in ranked if is_learned(point)), None)
        if learned is not None:
            finalists += [learned, *find_controls(learned)]
        finalists += [reference for point in finalists for reference in find_references(point)]
        return [point for point in dict.fromkeys(finalists) if point in self.points]

    def _gather_candidates(self, finalists: Sequence[ViTConfig]) -> list[Candidate]:
        """Gathers the points to choose among, trained equally long with the same seeds.

        They are the finalists that failed with no seed; if there are none, those that did not fail with the first. If
        the time was over before, they are the points of the latest rung that as many points have reached as there may
        be finalists.
        """
        search = self.config.search
        for seeds in (self.seeds, self.seeds[:1]):
            if trained := self._find_trained(finalists, seeds, search.max_epochs):
                return self._make_candidates(trained, seeds, search.max_epochs)
        if any(trial.status == "skipped" for trial in self.trials):
            rungs = {epochs: self._find_trained(self.points, self.seeds[:1], epochs) for epochs in search.rungs}
            enough = min(search.finalists, max(map(len, rungs.values())))
            epochs = max(epochs for epochs, trained in rungs.items() if len(trained) >= enough)
            return self._make_candidates(rungs[epochs], self.seeds[:1], epochs)
        raise SearchFailedError(f"no finalist could be trained to the end; {TRIALS_FILE} has the reasons")

    def _find_trained(self, points: Sequence[ViTConfig], seeds: Sequence[int], epochs: int) -> list[ViTConfig]:
        return [point for point in points if all(count_epochs(self.trials, point, seed) >= epochs for seed in seeds)]

    def _make_candidates(self, points: Sequence[ViTConfig], seeds: Sequence[int], epochs: int) -> list[Candidate]:
        return [
            Candidate(network=point, correct=np.stack([self._find_correct(point, seed)[epochs - 1] for seed in seeds]))
            for point in points
        ]

    def _find_correct(self, point: ViTConfig, seed: int) -> np.ndarray:
        training = self.fitter.find(point, seed=seed, schedule=self.config.search.schedule)
        assert training is not None
        return training.correct

    def _run_stage(self, stage: Stage, oracle: keras_tuner.Oracle) -> None:
        tuner = StageTuner(
            stage=stage,
            config=self.config,
            fitter=self.fitter,
            trials=self.trials,
            progress=self.progress,
            deadline=self.deadline,
            folder=self.folder,
            oracle=oracle,
            directory=str(self.folder / "keras_tuner"),
            overwrite=True,
        )
        if self.chief is None:
            tuner.search(verbose=0)
        else:
            self.chief.serve(tuner)

    def _drop_expensive_points(self) -> None:
        for point in self.config.space().points():
            if point not in self.points:
                macs = count_macs(point).total
                dropped = Trial(
                    stage="search",
                    trial_id=None,
                    round=0,
                    point=name_point(point),
                    config=describe_point(point),
                    seed=0,
                    initial_epoch=0,
                    epochs=0,
                    macs=macs,
                    status="dropped",
                    reason=f"needs {macs / 1e6:.2f} million multiply-accumulates; "
                    f"--search.max-mmacs is {self.config.search.max_mmacs}",
                )
                keep_trial(dropped, self.trials, self.progress, self.folder)
