"""A real search by halving, small: what it tries, for how many epochs, and what it records."""

import dataclasses
import itertools
import logging
import pathlib
import time
from collections import Counter

import numpy as np
import pytest
from trainings import FitterIn, Searched, search_in, with_search

from components.artifacts.trial import read_trials
from components.trainer.config import TrainerConfig
from components.trainer.outputs import describe_search
from components.trainer.search.plan import plan_epochs
from components.trainer.search.proposals import OUT_OF_TIME
from components.trainer.search.search import Search, SearchFailedError
from components.trainer.training import checkpoint
from components.trainer.training.checkpoint import Checkpoint
from models.macs import count_macs
from models.search_space import find_controls, find_references, is_learned, name_point


def load_training(searched: Searched, point: str, seed: int) -> Checkpoint:
    """Loads a training of the search."""
    search = searched.search.config.search
    schedule = f"epochs={search.backbone_epochs}" if point.startswith("backbone") else search.schedule
    name = point.replace("backbone", "no_reducer")
    training = checkpoint.load(searched.state / f"{name},seed={seed},{schedule}.checkpoint")
    assert training is not None
    return training


def test_halving_tries_every_point_the_cheapest_first_and_trains_the_best_of_each_rung_on(
    searched: Searched, config: TrainerConfig
) -> None:
    trials = searched.of_stage("search")
    rungs = [[trial for trial in trials if trial.round == i] for i in range(3)]
    macs = {name_point(point): count_macs(point).total for point in config.space().points()}
    assert {trial.point: trial.macs for trial in rungs[0]} == macs
    assert [trial.macs for trial in rungs[0]] == sorted(macs.values())
    assert [len(rung) for rung in rungs] == [4, 2, 1]
    assert [{(trial.initial_epoch, trial.epochs) for trial in rung} for rung in rungs] == [{(0, 1)}, {(1, 2)}, {(2, 4)}]
    assert {trial.seed for trial in trials} == {1}
    for rung, after in itertools.pairwise(rungs):
        ranked = sorted(rung, key=lambda trial: -(trial.valid_accuracy or 0))
        assert [trial.point for trial in after] == [trial.point for trial in ranked[: len(after)]]
    assert sum(trial.epochs_spent for trial in trials) == plan_epochs(4, config.search) == 4 * 1 + 2 * 1 + 1 * 2


def test_the_finalists_are_the_best_the_best_learned_and_their_comparisons_trained_to_the_end(
    searched: Searched,
) -> None:
    choice = searched.choice
    [best] = [trial.point for trial in searched.of_stage("search") if trial.round == 2]
    learned = next(point for point in searched.search.find_finalists() if is_learned(point))
    points = {name_point(point): point for point in searched.search.points}
    expected = {points[best], learned, *find_controls(learned)}
    expected |= {reference for point in expected for reference in find_references(point)}
    assert {candidate.network for candidate in choice.candidates} == expected & set(points.values())
    assert choice.learned is not None
    assert len(choice.learned_differences) == 3
    assert choice.is_seed_deviation_measured
    for candidate in choice.candidates:
        last = {t.seed: t for t in searched.search.trials if t.point == candidate.name and t.epochs == 4}
        assert candidate.correct.shape == (2, 60)
        assert candidate.correct.mean(axis=1).tolist() == [last[1].valid_accuracy, last[2].valid_accuracy]


def test_every_trial_is_a_line_with_its_results_and_no_epoch_is_trained_twice(searched: Searched) -> None:
    trials = read_trials(searched.search.folder)
    assert list(trials) == searched.search.trials
    points = {name_point(point): point for point in searched.search.points}
    spent = Counter[tuple[str, int]]()
    for trial in trials:
        assert spent[trial.point, trial.seed] == trial.initial_epoch
        spent[trial.point, trial.seed] = trial.epochs
        training = load_training(searched, trial.point, trial.seed)
        epochs = training.epochs[trial.initial_epoch : trial.epochs]
        assert trial.history == epochs
        measured = ("train_accuracy", "train_loss", "valid_accuracy", "valid_loss")
        assert [getattr(trial, name) for name in measured] == [getattr(epochs[-1], name) for name in measured]
        assert trial.seconds == pytest.approx(sum(epoch.seconds for epoch in epochs), abs=1e-3)
        assert (trial.parameters, trial.macs) == (training.parameters, count_macs(points[trial.point]).total)
        assert (trial.status, trial.reason) == ("completed", None)
    assert {key: len(load_training(searched, *key).epochs) for key in spent} == spent
    assert len(list(searched.state.iterdir())) == len(spent)
    assert sum(trial.epochs_spent for trial in trials) == spent.total()
    configs = {trial.point: trial.config for trial in trials}
    assert configs["no_reducer"] == {"token_reducer": "no_reducer"}
    assert configs["token_learner-2@0"] == {
        "token_reducer": "token_learner",
        "blocks_before_token_learner": 0,
        "num_tokens": 2,
        "use_token_fuser": False,
    }


def test_progress_is_reported_trial_by_trial_and_never_falls_back(searched: Searched, config: TrainerConfig) -> None:
    phases = list(dict.fromkeys(report["phase"] for report in searched.reports))
    expected = [
        f"rung {rung}/3 · candidate {i + 1}/{size}" for rung, size in ((1, 4), (2, 2), (3, 1)) for i in range(size)
    ]
    size = len(searched.of_stage("finalists"))
    assert phases == [*expected, *(f"finalists · candidate {i + 1}/{size}" for i in range(size))]
    trials = [(trial.valid_accuracy, trial.point) for trial in searched.search.trials]
    assert searched.reports[0]["best"] is None
    assert searched.reports[-1]["best"] == max(trials[:-1])
    shares = [report["share"] for report in searched.reports]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    done = sum(trial.macs * trial.epochs_spent for trial in searched.search.trials)
    assert searched.search.progress.done_work == done
    mean = np.mean([count_macs(point).total for point in searched.search.points])
    assert shares[-1] == pytest.approx(done / (done + mean * config.fit.epochs))  # the final fit follows


def test_all_points_start_from_a_backbone_with_their_shape_and_seed(
    config: TrainerConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    two_shapes = with_search(config, patch_sizes=(2, 4), controls=(), backbone_epochs=2, max_epochs=2)
    searched = search_in(two_shapes, fitter_in(tmp_path / "state"), tmp_path)
    backbones = searched.of_stage("backbone")
    assert [(trial.point, trial.seed, trial.epochs, trial.status) for trial in backbones] == [
        (f"backbone+patch{patch_size}", seed, 2, "completed") for seed in (1, 2) for patch_size in (2, 4)
    ]
    stages = dict.fromkeys(trial.stage for trial in read_trials(tmp_path))
    assert list(stages) == ["backbone", "search", "finalists"]
    assert {trial.trial_id for trial in backbones} == {None}
    for trial in searched.search.trials:
        epochs = load_training(searched, trial.point, trial.seed).epochs
        assert trial.history == epochs[trial.initial_epoch : trial.epochs]
    assert [report["phase"] for report in searched.reports if report["phase"].startswith("backbone")]
    outcome = describe_search(searched.choice, searched.search.trials, 2)
    assert (outcome.epochs.backbone, outcome.epochs.every_point_fully) == (8, 2 * 4)


def test_a_search_whose_time_is_over_chooses_among_the_latest_rung_that_enough_points_reached(
    config: TrainerConfig,
    searched: Searched,
    fitter_in: FitterIn,
    state: pathlib.Path,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first rung and one point of the second are trained already; each further epoch comes too late."""
    limited = with_search(config, finalists=2)
    first, second = (searched.of_stage("search")[i].point for i in (0, 4))
    for file in state.iterdir():
        training = checkpoint.load(file)
        assert training is not None
        epochs = 2 if file.name.startswith(f"{second},seed=1") else 1
        checkpoint.save(dataclasses.replace(training, epochs=training.epochs[:epochs]), file)
    search = Search(limited, fitter_in(state), tmp_path, deadline=time.time())
    caplog.set_level(logging.INFO, logger="tokenlearner.progress")
    choice = search.run()
    assert "Resuming: 5 of 8 trainings found" in caplog.messages
    assert {candidate.name for candidate in choice.candidates} == {name_point(point) for point in search.points}
    accuracies = {trial.point: trial.valid_accuracy for trial in searched.of_stage("search")[:4]}
    assert {candidate.name: candidate.accuracy for candidate in choice.candidates} == accuracies
    assert first in accuracies
    skipped = {(trial.point, trial.seed) for trial in search.trials if trial.status == "skipped"}
    assert all(trial.reason == OUT_OF_TIME for trial in search.trials if trial.status == "skipped")
    outcome = describe_search(choice, search.trials, 4)
    assert {each.point for each in outcome.skipped} == {point for point, _ in skipped}
    names = ", ".join(dict.fromkeys(each.point for each in outcome.skipped))
    assert outcome.sentences[-1] == (
        f"The search ended early, because its time was over; it did not train to the end: {names}."
    )

    with pytest.raises(
        SearchFailedError, match=r"^all trials failed; the first one, .*: the time of --search\.max-minutes was over$"
    ):
        Search(config, fitter_in(tmp_path / "empty"), tmp_path, deadline=time.time() - 1).run()
