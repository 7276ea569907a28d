"""The views of `tokenlearner inspect`."""

import contextlib
import csv
import io
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from commands import Command
from ml_metadata.proto.metadata_store_pb2 import Execution
from recorded_root import FIRST, MACS, SECOND, Plan, RecordedRoot, predict
from rich.console import Console

from components.errors import DataFailure, ExitCode
from components.lock import hold_lock
from pipeline.config import QUICK
from pipeline.inspection.comparison import pair
from pipeline.inspection.mistakes import Mistake, MistakesFacts, write_csv
from pipeline.inspection.slices import SlicesFacts, show_slices


@pytest.mark.parametrize(
    ("run", "shown", "hidden"),
    [
        (
            "2026-01-04",
            (
                "Run 2026-01-04T10:00:00: pushed as version",
                "Transform cached 0.0 Trainer done",
                "No anomalies.",
                "token_learner-8@2 (winner) 6.79 1 1 40.0% yes",
                "accuracy 80.0% (73.9% to 85.0%) 60.0% (53.1% to 66.5%)",
                "On the same images, the candidate is +20.0 points from the baseline",
                "accuracy floor passed accuracy is 80.0%",
                "compute not applied",
                "serving_default 1 40 2.0 3.5",
                "int8 242 0.30 0.60 56.9% -3.1 (-4.1 to -2.1)",
                "int8: not pushed: -3.10 points.",
            ),
            "not blessed",
        ),
        (
            "2026-01-03",
            ("not pushed, because not blessed", "accuracy floor failed", "No other model was ever blessed"),
            "Against the last blessed model",
        ),
        ("2026-01-01", ("interrupted in Trainer; the same", "Trainer interrupted -"), "Evaluator: "),
    ],
)
def test_a_run_is_shown_as_far_as_it_came(inspect: Command, run: str, shown: tuple[str, ...], hidden: str) -> None:
    done = inspect("--run", run)
    assert done.code == ExitCode.OK
    assert [words for words in shown if words not in done.words] == []
    assert hidden not in done.words


@pytest.mark.parametrize("view", ["overview", "runs", "slices", "trials", "compare 2026-01-02T10 2026-01-04"])
def test_no_line_is_wider_than_80_columns(inspect: Command, view: str) -> None:
    shown = inspect(*view.split()).out
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
    assert not {"…", "\x1b"} & set(shown)


def test_a_model_that_cannot_be_served_shows_why(inspect: Command, root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1", serves=False))
    shown = inspect(root=root.path).words
    assert "Run r1: not pushed, because it failed a serving check." in shown
    assert "Evaluator: blessed" in shown
    assert "Serving: not blessed" in shown
    assert "latency failed half of the requests with 1 image to serving_default take up to 2.0 milliseconds" in shown
    root.record(Plan(run_id="r2", serves=False, min_accuracy=0.99, cached_until="Trainer"))
    assert "not pushed, because not blessed and it failed a serving check." in inspect(root=root.path).words


def test_a_failed_run_names_the_step_and_the_anomalies(inspect: Command, root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1", stops_in="DataGate", state=Execution.FAILED, anomaly="Examples lack it."))
    shown = inspect(root=root.path).words
    assert "failed in DataGate" in shown
    assert "feature 'image' in split train: Examples lack it the DataGate stopped the run" in shown
    root.record(Plan(run_id="r2"))
    bad_images = pathlib.Path(root.artifact("bad_images").uri) / "bad_images.jsonl"
    bad_images.write_text('["train", "train_7", "cannot be decoded"]\n')
    assert "1 image of split train cannot be decoded: train_7" in inspect(root=root.path).words
    assert "failed: DataGate" in inspect("runs", root=root.path).words  # although a run came after it


def test_json_keys_are_those_that_the_readme_names(inspect: Command) -> None:
    facts = json.loads(inspect("--json").out)
    assert list(facts) == [
        *("run_id", "began", "state", "last_step", "pushed_version", "steps", "anomalies", "search", "verdict"),
        *("overrides", "serving", "not_pushed_because", "rollbacks", "lite"),
    ]
    assert (facts["run_id"], facts["steps"][0]["state"]) == ("2026-01-04T10:00:00.000001", "cached")
    assert facts["search"]["winner"]["macs"]["total"] == MACS
    assert [variant["is_pushed"] for variant in facts["lite"]["variants"]] == [False, True, False]
    assert [check["passed"] for check in facts["serving"]["checks"]] == [True, True]


def test_a_missing_or_damaged_file_is_named(inspect: Command, root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    for key, file, named in (
        ("infra_blessing", "serving.json", "serving.json"),
        ("verdict", "verdict.json", "verdict.json"),
        ("bad_images", "bad_images.jsonl", "bad_images*.jsonl"),
        ("anomalies", "Split-train/SchemaDiff.pb", "Split-*"),
    ):
        pathlib.Path(root.artifact(key).uri, file).write_text("{")
        done = inspect(root=root.path)
        assert done.code == ExitCode.BAD_DATA
        assert f"{named} is damaged" in done.words
    shutil.rmtree(root.artifact("model_run").uri)
    runs = inspect("runs", root=root.path)
    assert runs.code == ExitCode.BAD_DATA
    assert "winner.json is missing" in runs.words


def test_runs_are_listed_with_winner_accuracy_blessing_and_end(inspect: Command) -> None:
    runs = json.loads(inspect("runs", "--json").out)
    assert [run["state"] for run in runs] == ["interrupted", "pushed", "pushed", "not pushed", "pushed"]
    assert [run["is_blessed"] for run in runs] == [None, True, True, False, True]
    assert runs[1]["pushed_version"] == runs[2]["pushed_version"] != runs[4]["pushed_version"]
    assert runs[4]["test_accuracy"]["value"] == pytest.approx(0.8)
    shown = inspect("runs").words
    assert "2026-01-01T10:00:00 - - - - interrupted: Trainer" in shown
    assert f"10:00:00 token_learner-8@2 6.79 60.0% yes {runs[1]['pushed_version']}" in shown
    assert "2026-01-03T10:00:00 token_learner-8@2 6.79 60.0% no no" in shown


def test_slices_come_with_intervals_precision_and_confusion(inspect: Command) -> None:
    facts = json.loads(inspect("slices", "--json").out)
    assert list(facts) == ["run_id", "candidate", "baseline", "class_names", "confusion"]
    assert [each["images"] for each in facts["candidate"]] == [20] * 10 + [50] * 8
    assert np.trace(facts["confusion"]) == 160
    airplane = facts["candidate"][0]
    value, low, high = (f"{airplane['accuracy'][key]:.1%}" for key in ("value", "low", "high"))
    row = f"airplane 20 {value} ({low} to {high}) {airplane['precision']['value']:.1%}"
    assert f"{row} {facts['baseline'][0]['accuracy']['value']:.1%}" in inspect("slices").words


@pytest.mark.parametrize("classes", [2, 20, 100])
def test_the_confusions_of_any_number_of_classes_are_readable(classes: int) -> None:
    names = [f"class{label:03}" for label in range(classes)]
    confusion = 50 * np.eye(classes, dtype=int)
    confusion[1, 0], confusion[0, 1] = 9, 3
    facts = SlicesFacts(
        run_id="r1",
        candidate=(),
        baseline=None,
        class_names=names,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
    screen = io.StringIO()
    show_slices(Console(file=screen, width=200), facts)
    shown = " ".join(screen.getvalue().split())
    if classes > 20:
        assert "Most frequent confusions" in shown
        assert shown.endswith("class001 class000 9 59 class000 class001 3 53")
    else:
        assert "Images by actual (row) and predicted (column) class" in shown
        assert "actual 0 1" in shown  # the names begin alike
        assert "1 class001 9 50" in shown
    assert "By class" not in shown


def test_trials_are_listed_and_dropped_ones_show_why(inspect: Command) -> None:
    shown = inspect("trials").words
    assert "search token_learner-8@2 1 0 to 1 6.79 40.0% 1.5" in shown
    assert "no_reducer dropped: is too expensive" in shown
    facts = json.loads(inspect("trials", "--json").out)
    assert [trial["status"] for trial in facts["trials"]] == ["completed", "dropped"]


def test_two_runs_are_compared_on_the_same_images(inspect: Command) -> None:
    arguments = ("compare", "2026-01-02T10", "2026-01-04")
    facts = json.loads(inspect(*arguments, "--json").out)
    first, second = (predict(plan).is_right() for plan in (FIRST, SECOND))
    assert facts["images"] == 200
    assert facts["paired"]["difference"] == pytest.approx(0.2)
    assert facts["paired"]["only_baseline_right"] == (first & ~second).sum()
    assert facts["paired"]["only_candidate_right"] == (second & ~first).sum()
    assert 0 < facts["paired"]["low"] < 0.2 < facts["paired"]["high"]
    assert (facts["second"]["epochs_spent"], facts["second"]["points_searched"]) == (10, 1)
    shown = inspect(*arguments).words
    assert "the second is +20.0 points from the first" in shown
    assert "The second is more accurate." in shown
    assert "test accuracy 60.0% (53.1% to 66.5%) 80.0% (73.9% to 85.0%)" in shown
    assert "The second is less accurate." in inspect("compare", *reversed(arguments[1:])).words
    itself = inspect("compare", "2026-01-04", "2026-01-04").words
    assert "+0.0 points" in itself
    assert "statistically indistinguishable" in itself


def test_images_are_paired_by_id_and_others_are_left_out() -> None:
    (ids, right), (_, other_right) = ((each.ids, each.is_right()) for each in (predict(FIRST), predict(SECOND)))
    order = np.random.default_rng(0).permutation(200)[:150]
    found, images = pair((ids, right), (ids[order], other_right[order]))
    assert images == 150
    assert found.difference == pytest.approx(other_right[order].mean() - right[order].mean())
    with pytest.raises(DataFailure, match="no test image in common"):
        pair((ids, right), (np.char.add(ids, "x"), other_right))


def test_lineage_walks_from_the_newest_version_to_the_data(inspect: Command, recorded: RecordedRoot) -> None:
    facts = json.loads(inspect("lineage", "--json").out)
    artifacts = {artifact["kind"].removeprefix("type of "): artifact for artifact in facts["artifacts"]}
    sources = ["examples", "schema", "transform_graph"]
    assert list(artifacts) == [*sources, "Model", "model_run", "lite_models", "ModelBlessing", "InfraBlessing"]
    assert recorded.artifact("model").uri.endswith(artifacts["Model"]["folder"])
    assert artifacts["Model"]["sources"] == [artifacts[kind]["id"] for kind in sources]
    assert facts["data_digest"] == "cafe"
    assert artifacts["examples"]["step"] == "ExampleGen"
    assert artifacts["examples"]["run_id"] == "2026-01-01T10:00:00.000001"
    assert artifacts["Model"]["run_id"] == facts["run_id"] == SECOND.run_id
    assert f"Version {facts['version']} was pushed on" in inspect("lineage").words


def test_lineage_takes_a_version_or_a_run(inspect: Command) -> None:
    version = json.loads(inspect("runs", "--json").out)[1]["pushed_version"]
    for choice in (("--version", version), ("--run", FIRST.run_id)):
        facts = json.loads(inspect("lineage", *choice, "--json").out)
        assert (facts["version"], facts["run_id"]) == (version, FIRST.run_id)


def test_a_view_is_shown_again_until_the_run_in_progress_ends(
    inspect: Command, root: RecordedRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.record(Plan(run_id="r1"))
    with contextlib.ExitStack() as run:
        run.enter_context(hold_lock(root.path / ".lock", "busy"))
        monkeypatch.setattr("time.sleep", lambda _: run.close())
        shown = inspect("runs", "--watch", root=root.path).out
    assert shown.count("MMACs") == 2


def test_trials_are_written_as_csv(inspect: Command) -> None:
    completed, dropped = csv.DictReader(io.StringIO(inspect("trials", "--csv").out))
    assert (completed["point"], completed["status"], completed["macs"]) == ("token_learner-8@2", "completed", "6790000")
    assert (dropped["point"], dropped["reason"]) == ("no_reducer", "is too expensive")
    assert completed["valid_accuracy"] == "0.4"


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_closed_pipe_ends_a_command_quietly(options: str, recorded: RecordedRoot) -> None:
    script = f"set -o pipefail; '{sys.executable}' -m pipeline inspect {options} --root '{recorded.path}' | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")


def test_the_most_confident_mistakes_are_listed(inspect: Command) -> None:
    facts = json.loads(inspect("errors", "--json", "--count", 50).out)
    predictions = predict(SECOND)
    wrong = predictions.ids[~predictions.is_right()]
    assert sorted(each["id"] for each in facts["mistakes"]) == sorted(wrong)
    assert (facts["images"], len(wrong)) == (200, 40)
    first = facts["mistakes"][0]
    assert (first["probability"], first["label_probability"]) == (pytest.approx(0.82), pytest.approx(0.02))
    label = int(predictions.labels[list(predictions.ids).index(first["id"])])
    names = QUICK.task.class_names
    assert (first["label"], first["predicted"]) == (names[label], names[(label + 1) % 10])
    row = f"{first['id']} {first['label']} {first['predicted']} 82.0% 2.0%"
    assert row in inspect("errors", "--count", 1).words
    [written] = csv.DictReader(io.StringIO(inspect("errors", "--csv", "--count", 1).out))
    assert (written["id"], written["predicted"]) == (first["id"], first["predicted"])
    assert inspect("errors", "--count", 0).code == ExitCode.USAGE


def test_names_that_look_like_formulas_are_harmless_in_csv() -> None:
    console = Console(file=io.StringIO())
    mistake = Mistake(id='=1+1,"\n', label="-a", predicted="b", probability=0.5, label_probability=0.25)
    write_csv(console, MistakesFacts(run_id="r", images=1, mistakes=(mistake,)))
    console.file.seek(0)
    [row] = csv.DictReader(console.file)
    assert list(row.values()) == ["'=1+1,\"\n", "'-a", "b", "0.5", "0.25"]
