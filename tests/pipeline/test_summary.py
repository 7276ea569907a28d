"""The table at the end of a run, and the reasons why a model was not blessed."""

import io

import pytest
from rich.console import Console
from tensorflow_model_analysis.proto import validation_result_pb2

from pipeline.history import Run, Step, Verdict, Winner, describe_failure
from pipeline.summary import format_accuracy, print_run


def test_an_accuracy_comes_with_its_wilson_interval() -> None:
    """Numbers worked out by hand: centre (p + z²/2n) / (1 + z²/n) with z = 1.96."""
    assert format_accuracy(0.5, 100) == "50.0% (40.4% to 59.6% with 95 % confidence, 100 images)"
    assert format_accuracy(1.0, 10) == "100.0% (72.2% to 100.0% with 95 % confidence, 10 images)"


@pytest.mark.parametrize(
    ("verdict", "pushed_version", "words"),
    [
        (Verdict(accuracy=0.5, images=100, is_blessed=True, reasons=()), "17", ["blessed yes", "pushed version 17"]),
        (
            Verdict(accuracy=0.5, images=100, is_blessed=False, reasons=("too low", "too far")),
            None,
            ["blessed no: too low; too far", "pushed no"],
        ),
    ],
    ids=["pushed", "not blessed"],
)
def test_the_table_tells_winner_compute_verdict_and_steps(
    verdict: Verdict, pushed_version: str | None, words: list[str]
) -> None:
    winner = Winner(
        point="token_learner-8@2",
        token_reducer="token_learner",
        blocks_before_token_learner=2,
        num_tokens=8,
        depth=4,
        macs=7_623_296,
        parameters=164_618,
        valid_accuracy=0.4,
        valid_images=100,
        search_findings=("One wins.", "It beats another."),
    )
    steps = (
        Step(name="ExampleGen", state="CACHED", seconds=0.1),
        Step(name="Trainer", state="COMPLETE", seconds=12.34),
    )
    output = io.StringIO()
    print_run(
        Console(file=output, width=120),
        Run(run_id="r", steps=steps, winner=winner, verdict=verdict, pushed_version=pushed_version),
    )
    shown = " ".join(output.getvalue().split())
    for expected in (
        "winner token_learner-8@2: token_learner after block 2 of 4, 8 tokens",
        "search One wins. It beats another.",
        "compute 7.62 million multiply-accumulates an image",
        "parameters 164,618",
        "ExampleGen cached",
        "Trainer 12.3",
        *words,
    ):
        assert expected in shown


def test_a_floor_that_was_missed_is_told_with_both_numbers() -> None:
    failure = validation_result_pb2.ValidationFailure()
    failure.metric_key.name = "sparse_categorical_accuracy"
    failure.metric_value.double_value.value = 0.337
    failure.metric_threshold.value_threshold.lower_bound.value = 0.4
    assert describe_failure(failure) == "sparse categorical accuracy is 0.3370; it must be at least 0.4000"


def test_a_fall_below_the_baseline_is_told_with_what_is_allowed() -> None:
    failure = validation_result_pb2.ValidationFailure()
    failure.metric_key.name = "sparse_categorical_accuracy"
    failure.metric_key.is_diff = True
    failure.metric_value.double_value.value = -0.05
    failure.metric_threshold.change_threshold.absolute.value = -0.02
    expected = "sparse categorical accuracy is 0.0500 below the last blessed model's; allowed are 0.0200"
    assert describe_failure(failure) == expected
