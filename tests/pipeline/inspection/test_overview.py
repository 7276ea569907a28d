"""`tokenlearner inspect`: one run at a glance."""

import json
import pathlib
import shutil

import pytest
from commands import Command
from ml_metadata.proto.metadata_store_pb2 import Execution
from recorded_root import Plan, RecordedRoot

from components.errors import ExitCode


def test_the_latest_run_is_told_from_its_steps_to_the_gate(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("inspect", "--root", root_path)
    assert done.code == ExitCode.OK
    for words in (
        "Run 2026-01-04T10:00:00: pushed as version",
        "Transform cached",
        "Trainer done",
        "No anomalies.",
        "token_learner-8@2 (winner) 6.79 1 1 40.0% yes",
        "accuracy 80.0% (73.9% to 85.0%) 60.0% (53.1% to 66.5%)",
        "On the same images the accuracy differs by +20.0 points",
        "Evaluator: blessed",
        "floor passed accuracy is 80.0%",
        "compute not applied",
        "Serving: blessed",
        "latency passed nearest to its budget: 2.0 milliseconds",
        "serving_default 1 40 2.0 3.5",
        "TensorFlow Lite models, on 200 test images",
        "saved_model 1,638 10.00 20.00 60.0% -",
        "int8 242 0.30 0.60 56.9% -3.1 (-4.1 to -2.1)",
        "int8: not pushed: -3.10 points.",
    ):
        assert words in done.words


def test_no_line_is_wider_than_80_columns(tokenlearner: Command, root_path: pathlib.Path) -> None:
    for view in ([], ["runs"], ["slices"], ["trials"], ["compare", "2026-01-02T10", "2026-01-04"]):
        done = tokenlearner("inspect", *view, "--root", root_path)
        assert done.code == ExitCode.OK
        assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 80
        assert "…" not in done.out
        assert "\x1b" not in done.out


def test_a_rejected_run_tells_which_rule_was_missed(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("inspect", "--run", "2026-01-03", "--root", root_path)
    assert "not pushed, because not blessed" in done.words
    assert "Evaluator: not blessed" in done.words
    assert "floor missed accuracy is 60.0%" in done.words
    assert "at least 99.0%" in done.words
    assert "not worse not applied" in done.words
    assert "No other model was ever blessed" in done.words


def test_a_model_that_does_not_serve_tells_why(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1", serves=False))
    shown = tokenlearner("inspect", "--root", root.path).words
    assert "Run r1: not pushed, because it does not serve as it must." in shown
    assert "Evaluator: blessed" in shown
    assert "Serving: not blessed" in shown
    assert "latency missed half of the requests with 1 image to serving_default take up to 2.0 milliseconds" in shown
    facts = json.loads(tokenlearner("inspect", "--root", root.path, "--json").out)
    assert [check["passed"] for check in facts["serving"]["checks"]] == [True, False]
    root.record(Plan(run_id="r2", serves=False, min_accuracy=0.99, cached_until="Trainer"))
    shown = tokenlearner("inspect", "--root", root.path).words
    assert "not pushed, because not blessed and it does not serve as it must." in shown


def test_a_killed_run_shows_what_there_is(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("inspect", "--run", "2026-01-01", "--root", root_path)
    assert done.code == ExitCode.OK
    assert "interrupted in Trainer; the same command goes on from there" in done.words
    assert "Trainer interrupted -" in done.words
    assert "Evaluator: " not in done.words


def test_a_failed_run_names_the_step_and_the_anomalies(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    plan = Plan(run_id="r1", stops_in="DataGate", state=Execution.FAILED, anomaly="Examples lack it.")
    root.record(plan)
    done = tokenlearner("inspect", "--root", root.path)
    assert "failed in DataGate" in done.words
    assert "feature 'image' in split train: Examples lack it" in done.words


def test_json_keys_are_those_that_the_readme_names(tokenlearner: Command, root_path: pathlib.Path) -> None:
    facts = json.loads(tokenlearner("inspect", "--root", root_path, "--json").out)
    assert list(facts) == [
        *("run_id", "began", "state", "last_step", "pushed_version", "steps", "anomalies", "search", "verdict"),
        *("overrides", "serving", "not_pushed_because", "rollbacks", "lite"),
    ]
    assert facts["run_id"] == "2026-01-04T10:00:00.000001"
    assert facts["steps"][0]["state"] == "cached"
    assert facts["search"]["winner"]["macs"]["total"] == 6_790_000
    assert facts["verdict"]["rules"][0]["name"] == "accuracy_floor"
    assert [variant["is_pushed"] for variant in facts["lite"]["variants"]] == [False, True, False]
    assert facts["verdict"]["candidate"]["overall"]["accuracy"]["value"] == pytest.approx(0.8)
    assert facts["serving"]["checks"][1]["name"] == "latency"
    assert facts["serving"]["latencies"][0]["p95_seconds"] == 0.0035


def test_damaged_findings_about_serving_are_named(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    (pathlib.Path(root.artifact("infra_blessing").uri) / "serving.json").write_text("[]")
    done = tokenlearner("inspect", "--root", root.path)
    assert done.code == ExitCode.BAD_DATA
    assert "serving.json is damaged" in done.words


def test_a_missing_or_damaged_file_is_named(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    verdict = pathlib.Path(root.artifact("verdict").uri)
    (verdict / "verdict.json").write_text("{")
    done = tokenlearner("inspect", "--root", root.path)
    assert done.code == ExitCode.BAD_DATA
    assert "verdict.json is damaged" in done.words
    shutil.rmtree(pathlib.Path(root.artifact("model_run").uri))
    done = tokenlearner("inspect", "--root", root.path)
    assert done.code == ExitCode.BAD_DATA
    assert "winner.json is missing" in done.words
    runs = tokenlearner("inspect", "runs", "--root", root.path)
    assert runs.code == ExitCode.OK
    assert "winner.json is missing" in runs.words
