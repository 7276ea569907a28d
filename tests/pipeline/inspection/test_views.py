"""The views `runs`, `slices`, `trials`, `compare` and `lineage`."""

import json
import pathlib

import numpy as np
import pytest
from commands import Command
from recorded_root import FIRST, SECOND, RecordedRoot, predict

from components.errors import DataFailure, ExitCode
from pipeline.inspection.comparison import pair


def test_runs_tells_winner_accuracy_blessing_and_end_of_each(tokenlearner: Command, root_path: pathlib.Path) -> None:
    runs = json.loads(tokenlearner("inspect", "runs", "--root", root_path, "--json").out)
    assert [run["state"] for run in runs] == ["interrupted", "pushed", "pushed", "not pushed", "pushed"]
    assert [run["is_blessed"] for run in runs] == [None, True, True, False, True]
    assert runs[1]["pushed_version"] == runs[2]["pushed_version"] != runs[4]["pushed_version"]
    assert runs[4]["test_accuracy"]["value"] == pytest.approx(0.8)
    shown = tokenlearner("inspect", "runs", "--root", root_path).words
    assert "2026-01-01T10:00:00 - - - - interrupted: Trainer" in shown
    assert "2026-01-03T10:00:00 token_learner-8@2 6.79 60.0% no no" in shown


def test_slices_come_with_intervals_precision_and_confusion(tokenlearner: Command, root_path: pathlib.Path) -> None:
    facts = json.loads(tokenlearner("inspect", "slices", "--root", root_path, "--json").out)
    assert list(facts) == ["run_id", "candidate", "baseline", "class_names", "confusion"]
    assert [each["images"] for each in facts["candidate"]] == [20] * 10 + [50] * 8
    assert np.trace(facts["confusion"]) == 160
    shown = tokenlearner("inspect", "slices", "--root", root_path).words
    airplane = facts["candidate"][0]
    baseline = facts["baseline"][0]["accuracy"]["value"]
    measures = [f"{airplane['accuracy'][key]:.1%}" for key in ("value", "low", "high")]
    row = f"airplane 20 {measures[0]} ({measures[1]} to {measures[2]})"
    assert f"{row} {airplane['precision']['value']:.1%} {baseline:.1%}" in shown


def test_trials_are_listed_and_those_dropped_say_why(tokenlearner: Command, root_path: pathlib.Path) -> None:
    shown = tokenlearner("inspect", "trials", "--root", root_path).words
    assert "search token_learner-8@2 1 0 to 1 6.79 40.0% 1.5" in shown
    assert "no_reducer dropped: is too expensive" in shown
    facts = json.loads(tokenlearner("inspect", "trials", "--root", root_path, "--json").out)
    assert [trial["status"] for trial in facts["trials"]] == ["completed", "dropped"]


def test_a_view_of_a_run_that_has_not_come_so_far_says_so(tokenlearner: Command, root_path: pathlib.Path) -> None:
    for view, what in (("slices", "slices"), ("trials", "trials"), ("lineage", "pushed version")):
        done = tokenlearner("inspect", view, "--run", "2026-01-01", "--root", root_path)
        assert done.code == ExitCode.USAGE
        assert f"run 2026-01-01T10:00:00 has left no {what}: it ended in Trainer" in done.words
    rejected = tokenlearner("inspect", "lineage", "--run", "2026-01-03", "--root", root_path)
    assert "has left no pushed version" in rejected.words


def test_two_runs_are_compared_on_the_same_images(tokenlearner: Command, root_path: pathlib.Path) -> None:
    arguments = ("inspect", "compare", "2026-01-02T10", "2026-01-04", "--root", root_path)
    facts = json.loads(tokenlearner(*arguments, "--json").out)
    first, second = (each.candidate.argmax(axis=1) == each.labels for each in (predict(FIRST), predict(SECOND)))
    assert facts["paired"]["images"] == 200
    assert facts["paired"]["difference"] == pytest.approx(0.2)
    assert facts["paired"]["only_first_right"] == (first & ~second).sum()
    assert facts["paired"]["only_second_right"] == (second & ~first).sum()
    assert 0 < facts["paired"]["low"] < 0.2 < facts["paired"]["high"]
    assert facts["second"]["epochs_spent"] == 10
    assert facts["second"]["points_searched"] == 1
    shown = tokenlearner(*arguments).words
    assert "the second is +20.0 points from the first" in shown
    assert "The second is more accurate." in shown
    assert "test accuracy 60.0% (53.1% to 66.5%) 80.0% (73.9% to 85.0%)" in shown


def test_a_run_does_not_differ_from_itself(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("inspect", "compare", "2026-01-04", "2026-01-04", "--root", root_path)
    assert "+0.0 points" in done.words
    assert "p = 1)" in done.words
    assert "within the noise" in done.words


def test_images_are_paired_by_id_and_others_are_left_out() -> None:
    (ids, right), (_, other_right) = ((each.ids, each.is_right()) for each in (predict(FIRST), predict(SECOND)))
    order = np.random.default_rng(0).permutation(200)[:150]
    found = pair((ids, right), (ids[order], other_right[order]))
    assert found.images == 150
    assert found.difference == pytest.approx(other_right[order].mean() - right[order].mean())
    with pytest.raises(DataFailure, match="no test image in common"):
        pair((ids, right), (np.char.add(ids, "x"), other_right))


def test_lineage_walks_from_the_newest_version_to_the_data(tokenlearner: Command, recorded: RecordedRoot) -> None:
    facts = json.loads(tokenlearner("inspect", "lineage", "--root", recorded.path, "--json").out)
    origins = {origin["key"]: origin for origin in facts["origins"]}
    assert list(origins) == [
        *("examples", "schema", "transform_graph", "model", "model_run", "lite_models", "model_blessing"),
        "infra_blessing",
    ]
    assert origins["model"]["uri"] == recorded.artifact("model").uri
    assert origins["model"]["made_from"] == [
        origins[key]["artifact_id"] for key in ("examples", "schema", "transform_graph")
    ]
    assert origins["examples"]["properties"] == {"source_digest": "cafe"}
    assert (origins["examples"]["made_by"], origins["examples"]["made_in_run"]) == (
        "ExampleGen",
        "2026-01-01T10:00:00.000001",
    )
    assert (origins["model"]["made_in_run"], facts["run_id"]) == (SECOND.run_id, SECOND.run_id)
    assert facts["override"] is None


def test_lineage_takes_a_version_and_knows_which_there_are(tokenlearner: Command, root_path: pathlib.Path) -> None:
    runs = json.loads(tokenlearner("inspect", "runs", "--root", root_path, "--json").out)
    version = runs[1]["pushed_version"]
    shown = tokenlearner("inspect", "lineage", "--version", version, "--root", root_path).words
    assert f"Version {version} was pushed on" in shown
    assert f"by run {FIRST.run_id[:19]}" in shown
    unknown = tokenlearner("inspect", "lineage", "--version", "7", "--root", root_path)
    assert unknown.code == ExitCode.USAGE
    assert f"no pushed version '7'; there are {version}, {runs[4]['pushed_version']}" in unknown.words
