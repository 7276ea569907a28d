"""The views `runs`, `slices`, `trials`, `compare` and `lineage`."""

import json

import numpy as np
import pytest
from commands import Command
from recorded_root import FIRST, SECOND, RecordedRoot, predict

from components.errors import DataFailure
from pipeline.inspection.comparison import pair


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
    assert facts["paired"]["images"] == 200
    assert facts["paired"]["difference"] == pytest.approx(0.2)
    assert facts["paired"]["only_first_right"] == (first & ~second).sum()
    assert facts["paired"]["only_second_right"] == (second & ~first).sum()
    assert 0 < facts["paired"]["low"] < 0.2 < facts["paired"]["high"]
    assert (facts["second"]["epochs_spent"], facts["second"]["points_searched"]) == (10, 1)
    shown = inspect(*arguments).words
    assert "the second is +20.0 points from the first" in shown
    assert "The second is more accurate." in shown
    assert "test accuracy 60.0% (53.1% to 66.5%) 80.0% (73.9% to 85.0%)" in shown
    assert "The second is less accurate." in inspect("compare", *reversed(arguments[1:])).words
    itself = inspect("compare", "2026-01-04", "2026-01-04").words
    assert "+0.0 points" in itself
    assert "p = 1)" in itself
    assert "statistically indistinguishable" in itself


def test_images_are_paired_by_id_and_others_are_left_out() -> None:
    (ids, right), (_, other_right) = ((each.ids, each.is_right()) for each in (predict(FIRST), predict(SECOND)))
    order = np.random.default_rng(0).permutation(200)[:150]
    found = pair((ids, right), (ids[order], other_right[order]))
    assert found.images == 150
    assert found.difference == pytest.approx(other_right[order].mean() - right[order].mean())
    with pytest.raises(DataFailure, match="no test image in common"):
        pair((ids, right), (np.char.add(ids, "x"), other_right))


def test_lineage_walks_from_the_newest_version_to_the_data(inspect: Command, recorded: RecordedRoot) -> None:
    facts = json.loads(inspect("lineage", "--json").out)
    origins = {origin["key"]: origin for origin in facts["origins"]}
    made_from = ["examples", "schema", "transform_graph"]
    assert list(origins) == [*made_from, "model", "model_run", "model_blessing", "infra_blessing"]
    assert origins["model"]["uri"] == recorded.artifact("model").uri
    assert origins["model"]["made_from"] == [origins[key]["artifact_id"] for key in made_from]
    assert origins["examples"]["properties"] == {"source_digest": "cafe"}
    assert origins["examples"]["made_by"] == "ExampleGen"
    assert origins["examples"]["made_in_run"] == "2026-01-01T10:00:00.000001"
    assert origins["model"]["made_in_run"] == facts["run_id"] == SECOND.run_id
    assert facts["override"] is None


def test_lineage_takes_a_version_or_a_run(inspect: Command) -> None:
    version = json.loads(inspect("runs", "--json").out)[1]["pushed_version"]
    for choice in (("--version", version), ("--run", FIRST.run_id)):
        shown = inspect("lineage", *choice).words
        assert f"Version {version} was pushed on" in shown
        assert f"by run {FIRST.run_id[:19]}" in shown
