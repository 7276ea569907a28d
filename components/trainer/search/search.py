"""Search: tries the points of the space with KerasTuner, and chooses the winner on the valid split."""

import math
import pathlib
from collections.abc import Sequence

import keras_tuner
import numpy as np

from components.artifacts.trial import TRIALS_FILE, Trial, append_trial
from components.trainer.config import SearchConfig, TrainerConfig
from components.trainer.search.chief import Chief
from components.trainer.search.halving import plan_rungs
from components.trainer.search.oracles import make_oracle
from components.trainer.search.proposals import PlanOracle, propose
from components.trainer.search.selection import Candidate, Choice, choose
from components.trainer.search.tuner import Stage, StageTuner, count_epochs
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.reducers.registry import CONTROLS
from models.search_space import describe_point, find_controls, find_references, is_learned, name_point
from models.vit_config import ViTConfig

_MOST_COMPARED = 2 + len(CONTROLS)  # besides the best: the best learned point, the backbone and the controls


class SearchFailedError(Exception):
    """No trial has a result; the message gives the reason of the first failure."""


class Search:
    """Two stages: the oracle's search with one seed, then the finalists with all seeds.

    Args:
        config: The space, its compute ceiling, how to choose.
        fitter: Trains.
        folder: Gets `trials.jsonl` and KerasTuner's own files.
        chief: Has other processes train; None: this one trains.
    """

    def __init__(self, config: TrainerConfig, fitter: Fitter, folder: pathlib.Path, chief: Chief | None = None) -> None:
        self.config = config
        self.fitter = fitter
        self.folder = folder
        self.chief = chief
        self.points = sorted(config.affordable_points(), key=lambda point: count_macs(point).total)
        self.trials: list[Trial] = []
        self.seeds = range(config.fit.seed, config.fit.seed + config.search.seeds)

    @property
    def epochs_done(self) -> int:
        """Epochs that the trials took so far."""
        return sum(trial.epochs_spent for trial in self.trials)

    def run(self) -> Choice:
        """Searches; `trials` then holds everything that was tried.

        Raises:
            SearchFailedError: If no trial has a result.
        """
        (self.folder / TRIALS_FILE).unlink(missing_ok=True)
        self._drop_expensive_points()
        search = self.config.search
        final_epochs = min(len(self.points), 2 * search.finalists + _MOST_COMPARED) * search.seeds * search.max_epochs
        oracle = make_oracle(self.points, search, self.config.fit.seed)
        self._run_stage("search", oracle, planned_epochs=plan_epochs(len(self.points), search) + final_epochs)
        finalists = self.find_finalists()
        if not finalists:
            failed = next(trial for trial in self.trials if trial.status == "failed")
            raise SearchFailedError(f"all trials failed; the first one, {failed.point}: {failed.reason}")
        missing = {
            (point, seed): search.max_epochs - done
            for point in finalists
            for seed in self.seeds
            if (done := count_epochs(self.trials, point, seed)) < search.max_epochs
        }
        plan = [propose(point, epochs=search.max_epochs, seed=seed) for point, seed in missing]
        self._run_stage("finalists", PlanOracle(plan), planned_epochs=sum(missing.values()))
        return choose(
            self._gather_candidates(finalists),
            contenders=(*search.reducers, *(search.controls if search.controls_may_win else ())),
            assumed_seed_deviation=search.seed_deviation,
        )

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
        """Gathers the finalists that failed with no seed; if there are none, those that did not fail with the first."""
        epochs = self.config.search.max_epochs
        for seeds in (self.seeds, self.seeds[:1]):
            trained = [
                point for point in finalists if all(count_epochs(self.trials, point, seed) == epochs for seed in seeds)
            ]
            if trained:
                return [
                    Candidate(network=point, correct=np.stack([self._find_correct(point, seed) for seed in seeds]))
                    for point in trained
                ]
        raise SearchFailedError(f"no finalist could be trained to the end; {TRIALS_FILE} has the reasons")

    def _find_correct(self, point: ViTConfig, seed: int) -> np.ndarray:
        epochs = self.config.search.max_epochs
        training = self.fitter.find(point, seed=seed, schedule=self.config.search.schedule)
        assert training is not None
        return training.correct[epochs - 1]

    def _run_stage(self, stage: Stage, oracle: keras_tuner.Oracle, planned_epochs: int) -> None:
        tuner = StageTuner(
            stage=stage,
            config=self.config,
            fitter=self.fitter,
            trials=self.trials,
            epochs_in_step=self.epochs_done + planned_epochs + self.config.fit.epochs,
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
                    f"search.max_mmacs is {self.config.search.max_mmacs}",
                )
                self.trials.append(dropped)
                append_trial(dropped, self.folder)


def plan_epochs(points: int, config: SearchConfig) -> int:
    """Returns the epochs that the first stage will take: exactly for halving and grid, about for the others."""
    if config.tuner in ("halving", "async_halving"):
        rungs = plan_rungs(points, config)
        begins = (0, *(rung.epochs for rung in rungs))
        return sum(rung.points * (rung.epochs - begin) for rung, begin in zip(rungs, begins, strict=False))
    if config.tuner == "hyperband":
        return round(config.max_epochs * (1 + math.log(config.max_epochs, config.reduction_factor)) ** 2)
    return config.max_epochs * (points if config.tuner == "grid" else min(points, config.max_trials))
