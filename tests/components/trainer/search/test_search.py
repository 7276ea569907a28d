"""A real search by halving, small: what it tries, how long, and what it writes down."""

import dataclasses
import itertools
import json
from collections import Counter

import pytest
from trainings import Searched

from components.trainer.config import TrainerConfig
from components.trainer.search.search import plan_epochs
from components.trainer.training import checkpoint
from models.macs import count_macs
from models.search_space import find_controls, find_references, is_learned, name_point


def test_the_first_rung_tries_every_point_the_cheapest_first(searched: Searched, config: TrainerConfig) -> None:
    macs = {name_point(point): count_macs(point).total for point in config.space().points()}
    tried = [trial for trial in searched.of_stage("search") if trial.round == 0]
    assert {trial.point: trial.macs for trial in tried} == macs
    assert [trial.macs for trial in tried] == sorted(macs.values())
    assert {(trial.initial_epoch, trial.epochs, trial.seed) for trial in tried} == {(0, 1, 1)}


def test_each_later_rung_trains_the_best_of_the_one_before_on(searched: Searched) -> None:
    rungs = [[trial for trial in searched.of_stage("search") if trial.round == i] for i in range(3)]
    assert [len(rung) for rung in rungs] == [5, 3, 2]
    assert [{(trial.initial_epoch, trial.epochs) for trial in rung} for rung in rungs] == [{(0, 1)}, {(1, 2)}, {(2, 4)}]
    for rung, after in itertools.pairwise(rungs):
        ranked = sorted(rung, key=lambda trial: -(trial.valid_accuracy or 0))
        assert [trial.point for trial in after] == [trial.point for trial in ranked[: len(after)]]


def test_as_many_epochs_are_spent_as_planned(searched: Searched, config: TrainerConfig) -> None:
    trials = searched.of_stage("search")
    assert plan_epochs(5, config.search) == 5 * 1 + 3 * 1 + 2 * 2
    assert sum(trial.epochs - trial.initial_epoch for trial in trials) == plan_epochs(5, config.search)
    assert searched.search.epochs_done == sum(trial.epochs - trial.initial_epoch for trial in searched.search.trials)


def test_no_epoch_is_trained_twice_and_none_that_no_trial_asked_for(searched: Searched) -> None:
    asked = Counter[tuple[str, int]]()
    for trial in searched.search.trials:
        assert asked[trial.point, trial.seed] == trial.initial_epoch
        asked[trial.point, trial.seed] = trial.epochs
    for (point, seed), epochs in asked.items():
        training = checkpoint.load(searched.state / f"{point},seed={seed},epochs=4.checkpoint")
        assert training is not None
        assert len(training.epochs) == epochs
    assert len(list(searched.state.iterdir())) == len(asked)


def test_the_finalists_are_the_best_the_best_learned_and_what_they_are_compared_with(searched: Searched) -> None:
    last = [trial for trial in searched.of_stage("search") if trial.round == 2]
    best = max(last, key=lambda trial: trial.valid_accuracy or 0).point
    learned = next(point for point in searched.search.find_finalists() if is_learned(point))
    points = {name_point(point): point for point in searched.search.points}
    expected = {best, name_point(learned), *(name_point(control) for control in find_controls(learned))}
    expected |= {name_point(reference) for name in set(expected) for reference in find_references(points[name])}
    assert {candidate.name for candidate in searched.choice.candidates} == expected
    assert searched.choice.learned is not None
    assert len(searched.choice.learned_differences) == 4
    furthest = {trial.point: trial for trial in searched.of_stage("search")}  # the last one of each
    for trial in furthest.values():
        if trial.config["token_reducer"] == "token_learner":
            ours = furthest[name_point(learned)]
            assert (ours.epochs, ours.valid_accuracy) >= (trial.epochs, trial.valid_accuracy)


def test_the_finalists_are_trained_to_the_end_with_every_seed(searched: Searched) -> None:
    ends = {(trial.point, trial.seed): trial.epochs for trial in searched.search.trials}  # the last one of each
    names = [candidate.name for candidate in searched.choice.candidates]
    assert {(name, seed): ends[name, seed] for name in names for seed in (1, 2)} == {
        (name, seed): 4 for name in names for seed in (1, 2)
    }
    assert {seed for _, seed in ends} == {1, 2}


def test_the_candidates_are_compared_by_their_last_epoch(searched: Searched) -> None:
    for candidate in searched.choice.candidates:
        last = {t.seed: t for t in searched.search.trials if t.point == candidate.name and t.epochs == 4}
        assert candidate.correct.shape == (2, 60)
        assert candidate.correct.mean(axis=1).tolist() == [last[1].valid_accuracy, last[2].valid_accuracy]
    assert searched.choice.is_seed_deviation_measured


def test_every_trial_is_a_line_with_all_that_was_found(searched: Searched) -> None:
    lines = [json.loads(line) for line in (searched.search.folder / "trials.jsonl").read_text().splitlines()]
    assert len(lines) == len(searched.search.trials) == 5 + 3 + 2 + len(searched.of_stage("finalists"))
    points = {name_point(point): point for point in searched.search.points}
    for line, trial in zip(lines, searched.search.trials, strict=True):
        assert line == json.loads(json.dumps(dataclasses.asdict(trial)))
        training = checkpoint.load(searched.state / f"{trial.point},seed={trial.seed},epochs=4.checkpoint")
        assert training is not None
        epochs = training.epochs[trial.initial_epoch : trial.epochs]
        assert line["history"] == [dataclasses.asdict(epoch) for epoch in epochs]
        measured = ("train_accuracy", "train_loss", "valid_accuracy", "valid_loss")
        assert {name: line[name] for name in measured} == {name: getattr(epochs[-1], name) for name in measured}
        assert line["seconds"] == pytest.approx(sum(epoch.seconds for epoch in epochs), abs=1e-3)
        assert line["parameters"] == training.parameters
        assert line["macs"] == count_macs(points[trial.point]).total
        assert (line["status"], line["reason"]) == ("completed", None)


def test_a_trial_tells_its_point_as_hyperparameters(searched: Searched) -> None:
    configs = {trial.point: trial.config for trial in searched.search.trials}
    assert configs["no_reducer"] == {"token_reducer": "no_reducer"}
    assert configs["token_learner-2@0"] == {
        "token_reducer": "token_learner",
        "blocks_before_token_learner": 0,
        "num_tokens": 2,
        "use_token_fuser": False,
    }


def test_keras_tuner_leaves_its_own_files(searched: Searched) -> None:
    folder = searched.search.folder / "keras_tuner"
    for stage in ("search", "finalists"):
        trials = searched.of_stage(stage)
        files = sorted((folder / stage).glob("trial_*/trial.json"))
        assert len(files) == len(trials)
        assert json.loads((folder / stage / "oracle.json").read_text())["ongoing_trials"] == {}
        scores = [json.loads(file.read_text())["score"] for file in files]
        assert sorted(scores) == sorted(trial.valid_accuracy or 0 for trial in trials)


def test_progress_is_told_trial_by_trial_and_never_falls_back(searched: Searched, config: TrainerConfig) -> None:
    phases = list(dict.fromkeys(report["phase"] for report in searched.reports))
    expected = []
    for stage in ("search", "finalists"):
        for i, trial in enumerate(searched.of_stage(stage)):
            expected.append(f"trial {i + 1}, {trial.point}" + (", seed 2" if trial.seed == 2 else ""))
    assert phases == list(dict.fromkeys(expected))
    shares = [report["share"] for report in searched.reports]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    done = searched.search.epochs_done
    assert shares[-1] == pytest.approx(done / (done + config.fit.epochs))  # the final fit follows
