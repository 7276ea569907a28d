"""The table at the end of a run, and the reasons why a model was not blessed."""

import dataclasses
import io
import pathlib

import pytest
from ended_run import judge_first, make_run
from recorded_root import make_findings
from rich.console import Console
from run_folder import write_lite_folder

from components.data_gate.duplicates import Duplicates, Member
from components.evaluator.intervals import measure_share
from components.evaluator.verdict import Paired, Verdict
from components.lite_converter.comparison import read_comparison
from pipeline.history import Run
from pipeline.override import Override
from pipeline.summary import format_accuracy, format_comparison, print_run


def test_an_accuracy_comes_with_its_interval() -> None:
    assert format_accuracy(measure_share(50, 100), 100) == "50.0% (40.4% to 59.6% with 95 % confidence, 100 images)"


def test_a_comparison_comes_in_points_with_its_interval() -> None:
    paired = Paired(difference=-0.03, low=-0.04, high=0.021, p_value=0.1, only_candidate_right=1, only_baseline_right=2)
    assert format_comparison(paired) == (
        "-3.0 points against the last blessed model (-4.0 to +2.1 with 95 % confidence, the same images)"
    )
    assert format_comparison(None) == "none"


@pytest.mark.parametrize(
    ("verdict", "pushed_version", "words"),
    [
        (judge_first(0.5, 8), "17", ["blessed yes No other model was ever blessed: this one", "pushed version 17"]),
        (
            judge_first(0.6, 7),
            None,
            [
                "blessed no accuracy is 50.0%",
                "at least 60.0% the network needs 7.62 million",
                "pushed no, because not blessed",
            ],
        ),
    ],
    ids=["pushed", "not blessed"],
)
def test_the_table_tells_winner_compute_verdict_and_steps(
    verdict: Verdict, pushed_version: str | None, words: list[str]
) -> None:
    run = make_run(verdict, pushed_version)
    shown = _show(run)
    for expected in (
        "winner token_learner-8@2: token_learner after block 2 of 4, 8 tokens",
        "search One wins. It beats another.",
        "test accuracy 50.0% (40.4% to 59.6% with 95 % confidence, 100 images)",
        "baseline none compute",
        "compute 7.62 million multiply-accumulates an image",
        "parameters 164,618",
        "ExampleGen cached",
        "Trainer 12.3",
        *words,
    ):
        assert expected in shown


def test_each_twin_has_a_line_and_a_run_without_twins_none(tmp_path: pathlib.Path) -> None:
    run = make_run(judge_first(0.5, 8), "17")
    folder = write_lite_folder(tmp_path)
    assert (
        "smaller twins float32: 728 KiB, 0.4 ms an image, +0.0 points, within the margin "
        "int8: 242 KiB, 0.3 ms an image, -3.1 points, outside the margin pushed"
    ) in _show(dataclasses.replace(run, lite=read_comparison(folder)))
    write_lite_folder(folder, int8_failure="it lacks an operator")
    assert "within the margin int8: not pushed: it lacks an operator pushed" in _show(
        dataclasses.replace(run, lite=read_comparison(folder))
    )
    assert "twins" not in _show(run)


def test_who_blessed_a_rejected_model_by_hand_is_told() -> None:
    override = Override(who="ada", when=0.0, why="It will do.")
    rejected = dataclasses.replace(make_run(judge_first(0.6, 7), "17"), override=override)
    assert ": It will do. pushed version 17" in _show(rejected)
    assert "Blessed by hand by ada on 19" in _show(rejected)
    assert "by hand" not in _show(dataclasses.replace(make_run(judge_first(0.5, 8), "17"), override=override))


@pytest.mark.parametrize(
    ("min_accuracy", "override", "words"),
    [
        (0.5, None, "pushed no, because it does not serve as it must"),
        (0.6, None, "pushed no, because not blessed and it does not serve as it must"),
        (0.6, Override(who="ada", when=0.0, why="So."), "pushed no, because it does not serve as it must"),
    ],
)
def test_why_a_model_does_not_serve_is_told(min_accuracy: float, override: Override | None, words: str) -> None:
    run = make_run(judge_first(min_accuracy, 8), None)
    shown = _show(dataclasses.replace(run, serving=make_findings(serves=False), override=override))
    assert words in shown
    assert "serves no half of the requests with 1 image to serving_default take up to 2.0 milliseconds" in shown
    pushed = _show(dataclasses.replace(run, serving=make_findings(serves=True), pushed_version="17"))
    assert "serves yes pushed version 17" in pushed


def test_images_that_occur_twice_are_named_as_they_are(tmp_path: pathlib.Path) -> None:
    found = Duplicates(groups=((Member("test", "[/a].png"), Member("train", "b[1].png")),), folder=tmp_path)
    run = dataclasses.replace(make_run(judge_first(0.5, 8), "17"), duplicates=found)
    assert "also in another split: 1 of test, 1 of train): [/a].png (test) = b[1].png (train); all of" in _show(run)
    assert "duplicates" not in _show(dataclasses.replace(run, duplicates=Duplicates(groups=())))


def test_why_a_blessed_model_was_not_pushed_is_told() -> None:
    because = "version 16 with this model was rolled back by ada"
    run = dataclasses.replace(make_run(judge_first(0.5, 8), None), not_pushed_because=because)
    assert f"pushed no, because {because}" in _show(run)


def _show(run: Run) -> str:
    output = io.StringIO()
    print_run(Console(file=output, width=120), run)
    return " ".join(output.getvalue().split())
