"""The table at the end of a run, and the reasons not to push a model."""

import io
import pathlib
import re

import pytest
from documents import find_blocks
from recorded_root import Plan, RecordedRoot
from rich.console import Console
from sample_slice import PROJECT

from components.artifacts.duplicates import DUPLICATES_PREFIX, Member, encode_group
from components.metadata.run_record import read_run
from pipeline.bless import bless
from pipeline.summary import print_run


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    return RecordedRoot(tmp_path / "root")


def _show(root: RecordedRoot, options: str = "") -> str:
    output = io.StringIO()
    print_run(Console(file=output, width=120), read_run(root.path), options=options)
    return " ".join(output.getvalue().split())


def test_the_table_of_a_pushed_model(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r0", stops_in="Transform"))
    root.record(Plan(run_id="r1", cached_until="Schema"))
    shown = _show(root)
    for expected in (
        "winner token_learner-8@2 (8 learned tokens after block 2, 4 blocks)",
        "valid accuracy 60.0%",
        "test accuracy 60.0% (53.1% to 66.5% with 95% confidence, 200 images)",
        "baseline none compute 6.79 million multiply-accumulates an image, 174,410 parameters",
        "blessed yes No other model was ever blessed: this one",
        "serves yes",
        f"pushed version {read_run(root.path).pushed_version}",
    ):
        assert expected in shown
    assert shown.startswith(
        "8 learned tokens after block 2 won; no other candidate was trained to compare with. run r1"
    )
    assert "tokenlearner predict FOLDER_OR_IMAGE #" in shown
    assert "duplicates" not in shown
    assert "by hand" not in shown


@pytest.mark.parametrize("page", ["README.md", "docs/tutorials/first-run.md"])
def test_the_screen_in_the_documentation_has_the_rows_of_a_run(root: RecordedRoot, page: str) -> None:
    root.record(Plan(run_id="r1"))
    output = io.StringIO()
    print_run(Console(file=output, width=80), read_run(root.path))

    def find_rows(screen: str) -> list[str]:
        return re.findall(r"^ {2}(\w[\w ]*?)  ", screen, re.MULTILINE)

    [documented] = [block for block in find_blocks(PROJECT / page, "text") if "Next:" in block]
    assert find_rows(documented) == find_rows(output.getvalue())
    assert {"winner", "test accuracy", "pushed", "tokenlearner report"} <= set(find_rows(documented))


def test_a_reason_with_brackets_is_shown_as_it_was_typed(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1", min_accuracy=0.99))
    bless(root.path, "r1", "see [/draft] and [red]x[/red]", Console(file=io.StringIO()))
    assert ": see [/draft] and [red]x[/red]" in _show(root)


def test_duplicates_have_a_line(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    [file] = pathlib.Path(root.artifact("duplicates").uri).glob(f"{DUPLICATES_PREFIX}*")
    file.write_text(encode_group([Member("test", "[/a].png"), Member("train", "b[1].png")]) + "\n")
    shown = _show(root)
    assert "also in another split: 1 of test, 1 of train): [/a].png (test) = b[1].png (train); all of" in shown


@pytest.mark.parametrize(
    ("plan", "is_overridden", "reason"),
    [
        (Plan(run_id="r1", min_accuracy=0.99), False, "not blessed"),
        (Plan(run_id="r1", serves=False), False, "it failed a serving check"),
        (Plan(run_id="r1", min_accuracy=0.99, serves=False), False, "not blessed and it failed a serving check"),
        (Plan(run_id="r1", min_accuracy=0.99, serves=False), True, "it failed a serving check"),
    ],
)
def test_a_rejected_model_has_its_reasons(root: RecordedRoot, plan: Plan, is_overridden: bool, reason: str) -> None:
    root.record(plan)
    if is_overridden:
        bless(root.path, "r1", "It will do.", Console(file=io.StringIO()))
    shown = _show(root, "--profile full")
    assert ('tokenlearner bless --run r1 --reason "…" --profile full #' in shown) == reason.startswith("not")
    assert f"pushed no, because {reason} Next: " in shown
    assert ("blessed no accuracy is 60.0%" in shown) == (plan.min_accuracy > 0.6)
    assert ("serves no half of the requests" in shown) == (not plan.serves)
    assert (": It will do." in shown) == is_overridden


def test_a_blessed_model_that_was_not_pushed_has_the_reason_of_the_pusher(root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    pushed = root.artifact("pushed_model")
    pushed.custom_properties.clear()
    pushed.custom_properties["not_pushed_because"].string_value = "version 16 with this model was rolled back by ada"
    root.store.put_artifacts([pushed])
    assert "pushed no, because version 16 with this model was rolled back by ada" in _show(root)
