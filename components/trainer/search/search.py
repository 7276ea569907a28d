"""Search: tries the points of the space with KerasTuner and tells which is best on valid, and how sure that is."""

import math
import pathlib
from collections.abc import Sequence
from typing import Literal

import keras_tuner
import numpy as np

from components.artifacts.trial import TRIALS_FILE, Trial, append_trial
from components.trainer.config import SearchConfig, TrainerConfig
from components.trainer.search import proposals, trials
from components.trainer.search.chief import Chief
from components.trainer.search.halving import plan_rungs
from components.trainer.search.oracles import make_oracle
from components.trainer.search.selection import Candidate, Choice, choose
from components.trainer.search.tuner import StageTuner
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.reducers.registry import CONTROLS
from models.search_space import find_controls, find_references, is_learned, name_point
from models.vit_config import ViTConfig

_MOST_COMPARED = 2 + len(CONTROLS)  # besides the best: the best learned point, the backbone and the controls


class SearchFailedError(Exception):
    """No trial came to a result; the message says why the first one failed."""


class Search:
    """Two stages: the oracle's search with one seed, then the finalists with all seeds.

    Args:
        config: The space, what it may cost, how to choose.
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
        self.trainings: dict[tuple[ViTConfig, int], Checkpoint] = {}
        self.seeds = range(config.fit.seed, config.fit.seed + config.search.seeds)

    @property
    def epochs_done(self) -> int:
        """Epochs that the trials took so far."""
        return sum(trial.epochs_spent for trial in self.trials)

    def run(self) -> Choice:
        """Searches; `trials` and `trainings` then hold what was tried.

        Returns:
            What it chose.

        Raises:
            SearchFailedError: If no trial came to a result.
        """
        (self.folder / TRIALS_FILE).unlink(missing_ok=True)
        self._drop_expensive_points()
        search = self.config.search
        final_epochs = min(len(self.points), 2 * search.finalists + _MOST_COMPARED) * search.seeds * search.max_epochs
        oracle = make_oracle(self.points, search, self.config.fit.seed)
        self._run_stage("search", oracle, planned_epochs=plan_epochs(len(self.points), search) + final_epochs)
        if not self.trainings:
            failed = next(trial for trial in self.trials if trial.status == "failed")
            raise SearchFailedError(f"all trials failed; the first one, {failed.point}: {failed.reason}")
        finalists = self.find_finalists()
        repeats = self._plan_repeats(finalists)
        self._run_stage("finalists", proposals.PlanOracle(repeats), planned_epochs=proposals.count_epochs(repeats))
        return choose(
            self._gather_candidates(finalists),
            contenders=(*search.reducers, *(search.controls if search.controls_may_win else ())),
            assumed_seed_deviation=search.seed_deviation,
        )

    def find_finalists(self) -> list[ViTConfig]:
        """Finds the points to be compared: the best ones, the best learned one with its controls, and references."""
        furthest = {point: self._furthest_trial(point) for point in self.points}
        ranked = sorted(
            (point for point in self.points if furthest[point] is not None),
            key=lambda point: (-furthest[point].epochs, -furthest[point].valid_accuracy),  # type: ignore[union-attr, operator]
        )
        finalists = ranked[: self.config.search.finalists]
        learned = next((point for point in ranked if is_learned(point)), None)
        if learned is not None:
            finalists += [learned, *find_controls(learned)]
        finalists += [reference for point in finalists for reference in find_references(point)]
        return [point for point in dict.fromkeys(finalists) if point in self.points]

    def _furthest_trial(self, point: ViTConfig) -> Trial | None:
        completed = [trial for trial in self.trials if trial.point == name_point(point) and trial.status == "completed"]
        return max(completed, key=lambda trial: trial.epochs, default=None)

    def _plan_repeats(self, finalists: Sequence[ViTConfig]) -> list[proposals.Values]:
        """Plans what is missing for each finalist to be trained fully with each seed."""
        epochs = self.config.search.max_epochs
        plan = []
        for point in finalists:
            for seed in self.seeds:
                done = self._count_epochs(point, seed)
                if done < epochs:
                    plan.append(proposals.propose(point, epochs=epochs, initial_epoch=done, seed=seed))
        return plan

    def _count_epochs(self, point: ViTConfig, seed: int) -> int:
        """Counts what this search trained; a checkpoint of an earlier one may have gone further."""
        of_point = [trial for trial in self.trials if (trial.point, trial.seed) == (name_point(point), seed)]
        return max((trial.epochs for trial in of_point if trial.status == "completed"), default=0)

    def _gather_candidates(self, finalists: Sequence[ViTConfig]) -> list[Candidate]:
        """Gathers the finalists that no seed failed for; if there are none, those that the first seed did not."""
        last = self.config.search.max_epochs - 1
        for seeds in (self.seeds, self.seeds[:1]):
            candidates = [
                Candidate(
                    network=point, correct=np.stack([self.trainings[point, seed].correct[last] for seed in seeds])
                )
                for point in finalists
                if all(self._count_epochs(point, seed) == last + 1 for seed in seeds)
            ]
            if candidates:
                return candidates
        raise SearchFailedError("no finalist could be trained to the end; see trials.jsonl for the reasons")

    def _run_stage(
        self, stage: Literal["search", "finalists"], oracle: keras_tuner.Oracle, planned_epochs: int
    ) -> None:
        tuner = StageTuner(
            stage=stage,
            config=self.config,
            fitter=self.fitter,
            epochs_before=self.epochs_done,
            epochs_in_step=self.epochs_done + planned_epochs + self.config.fit.epochs,
            folder=self.folder,
            trainings=self.trainings,
            oracle=oracle,
            directory=str(self.folder / "keras_tuner"),
            overwrite=True,
        )
        if self.chief is None:
            tuner.search(verbose=0)
        else:
            self.chief.serve(tuner)
        self.trials += tuner.results

    def _drop_expensive_points(self) -> None:
        affordable = set(self.points)
        for point in self.config.space().points():
            if point not in affordable:
                assert self.config.search.max_mmacs is not None
                dropped = trials.drop(point, self.config.search.max_mmacs)
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
