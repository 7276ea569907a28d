"""A run as it ended, made up: of two steps, with the verdict on a first model."""

import dataclasses

import numpy as np
from run_folder import make_winner

from components.evaluator.rules import Thresholds, judge
from components.evaluator.verdict import Predictions, Verdict
from models.presets import PRESETS
from pipeline.history import Run, Step


def judge_first(min_accuracy: float, max_mmacs: float) -> Verdict:
    """Judges a first model that tells 50 images of 100."""
    labels = np.arange(100) % 10
    answers = np.full((100, 10), 0.05, np.float32)
    answers[np.arange(100), np.where(np.arange(100) < 50, labels, (labels + 1) % 10)] = 0.55
    quartile = np.zeros(100, int)
    predictions = Predictions(
        ids=labels.astype(str),
        labels=labels,
        brightness_quartile=quartile,
        contrast_quartile=quartile,
        candidate=answers,
        baseline=None,
    )
    thresholds = Thresholds(
        min_accuracy=min_accuracy, max_accuracy_drop=0, max_class_accuracy_drop=0, max_mmacs=max_mmacs
    )
    return judge(predictions, 7_623_296, thresholds)


def make_run(verdict: Verdict, pushed_version: str | None) -> Run:
    """Makes a run that pushed a version, or none."""
    network = dataclasses.replace(
        PRESETS["quick"], token_reducer="token_learner", blocks_before_token_learner=2, num_tokens=8
    )
    winner = make_winner(network, macs=7_623_296, parameters=164_618, valid_accuracy=0.4)
    steps = (
        Step(name="ExampleGen", state="CACHED", seconds=0.1),
        Step(name="Trainer", state="COMPLETE", seconds=12.34),
    )
    return Run(
        run_id="r",
        steps=steps,
        winner=winner,
        search_findings=("One wins.", "It beats another."),
        verdict=verdict,
        pushed_version=pushed_version,
    )
