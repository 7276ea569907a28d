"""The table at the end of a run, and the reasons why a model was not blessed."""

import io
import pathlib

import pytest
from recorded_root import Plan, RecordedRoot
from rich.console import Console
from run_folder import write_comparison

from components.artifacts.duplicates import DUPLICATES_PREFIX, Member, encode_group
from components.artifacts.verdict import Paired
from components.evaluator.intervals import measure_share
from components.metadata.run_record import read_run
from pipeline.bless import bless
from pipeline.summary import format_accuracy, format_comparison, print_run


def test_an_accuracy_comes_with_its_interval() -> None:
    assert format_accuracy(measure_share(50, 100), 100) == "50.0% (40.4% to 59.6% with 95 % confidence, 100 images)"


def test_a_comparison_comes_in_points_with_its_interval() -> None:
    paired = Paired(difference=-0.03, low=-0.04, high=0.021, p_value=0.1, only_candidate_right=1, only_baseline_right=2)
    assert format_comparison(paired) == (
        "-3.0 points against the last blessed model (-4.0 to +2.1 with 95 % confidence, the same images)"
    )
    assert format_comparison(None) == "none"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    return RecordedRoot(tmp_path / "root")


def _show(root: RecordedRoot) -> str:
    output = io.StringIO()
    print_run(Console(file=output, width=120), read_run(root.path))
    return " ".join(output.getvalue().split())


def test_the_table_of_a_pushed_model(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r0", stops_in="Transform"))
    root.record(Plan(run_id="r1", cached_until="Schema"))
    shown = _show(root)
    version = read_run(root.path).pushed_version
    for expected in (
        "winner token_learner-8@2: token_learner after block 2 of 4, 8 tokens",
        "search token_learner-8@2 wins.",
        "valid accuracy 60.0%",
        "test accuracy 60.0% (53.1% to 66.5% with 95 % confidence, 200 images)",
        "baseline none compute 6.79 million multiply-accumulates an image",
        "parameters 174,410",
        "blessed yes No other model was ever blessed: this one",
        "serves yes",
        f"pushed version {version}",
        "ExampleGen cached",
        "TensorFlow Lite models float32: 728 KiB, 0.4 ms an image, +0.0 points, within the margin "
        "int8: 242 KiB, 0.3 ms an image, -3.1 points, outside the margin",
    ):
        assert expected in shown
    assert "duplicates" not in shown
    assert "by hand" not in shown


def test_a_lite_model_that_could_not_be_made_has_a_line(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    write_comparison(pathlib.Path(root.artifact("verdict").uri), int8_failure="it lacks an operator")
    assert "within the margin int8: not pushed: it lacks an operator" in _show(root)


def test_a_rejected_model_and_who_blessed_it_by_hand(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1", min_accuracy=0.99))
    shown = _show(root)
    assert "blessed no accuracy is 60.0%" in shown
    assert "it must be at least 99.0%" in shown
    assert "pushed no, because not blessed" in shown
    bless(root.path, "r1", "It will do.", Console(file=io.StringIO()))
    assert ": It will do." in _show(root)
    assert "Blessed by hand by " in _show(root)


@pytest.mark.parametrize(
    ("min_accuracy", "is_overridden", "words"),
    [
        (0.5, False, "pushed no, because it does not serve as it must"),
        (0.99, False, "pushed no, because not blessed and it does not serve as it must"),
        (0.99, True, "pushed no, because it does not serve as it must"),
    ],
)
def test_a_model_that_does_not_serve(root: RecordedRoot, min_accuracy: float, is_overridden: bool, words: str) -> None:
    root.record(Plan(run_id="r1", min_accuracy=min_accuracy, serves=False))
    if is_overridden:
        bless(root.path, "r1", "It will do.", Console(file=io.StringIO()))
    shown = _show(root)
    assert words in shown
    assert "serves no half of the requests with 1 image to serving_default take up to 2.0 milliseconds" in shown


def test_images_that_occur_twice_are_named_as_they_are(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    [file] = pathlib.Path(root.artifact("duplicates").uri).glob(f"{DUPLICATES_PREFIX}*")
    file.write_text(encode_group([Member("test", "[/a].png"), Member("train", "b[1].png")]) + "\n")
    shown = _show(root)
    assert "also in another split: 1 of test, 1 of train): [/a].png (test) = b[1].png (train); all of" in shown


def test_why_a_blessed_model_was_not_pushed(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    pushed = root.artifact("pushed_model")
    pushed.custom_properties.clear()
    pushed.custom_properties["not_pushed_because"].string_value = "version 16 with this model was rolled back by ada"
    root.store.put_artifacts([pushed])
    assert "pushed no, because version 16 with this model was rolled back by ada" in _show(root)
