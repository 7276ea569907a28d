"""`tokenlearner inspect`: one run at a glance."""

import json
import pathlib
import shutil

import pytest
from commands import Command
from ml_metadata.proto.metadata_store_pb2 import Execution
from recorded_root import Plan, RecordedRoot

from components.errors import ExitCode


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
                "On the same images the accuracy differs by +20.0 points",
                "accuracy floor passed accuracy is 80.0%",
                "compute not applied",
                "Serving: blessed",
                "serving_default 1 40 2.0 3.5",
                "saved_model 1,638 10.00 20.00 60.0% -",
                "int8 242 0.30 0.60 56.9% -3.1 (-4.1 to -2.1)",
                "int8: not pushed: -3.10 points.",
            ),
            "not blessed",
        ),
        (
            "2026-01-03",
            ("not pushed, because not blessed", "accuracy floor missed", "No other model was ever blessed"),
            "Against the last blessed model",
        ),
        ("2026-01-01", ("interrupted in Trainer; the same", "Trainer interrupted -"), "Evaluator: "),
    ],
    ids=["pushed", "rejected", "killed"],
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
    assert "Run r1: not pushed, because it does not serve as it must." in shown
    assert "Evaluator: blessed" in shown
    assert "Serving: not blessed" in shown
    assert "latency missed half of the requests with 1 image to serving_default take up to 2.0 milliseconds" in shown
    root.record(Plan(run_id="r2", serves=False, min_accuracy=0.99, cached_until="Trainer"))
    assert "not pushed, because not blessed and it does not serve as it must." in inspect(root=root.path).words


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
    assert facts["run_id"] == "2026-01-04T10:00:00.000001"
    assert facts["steps"][0]["state"] == "cached"
    assert facts["search"]["winner"]["macs"]["total"] == 6_790_000
    assert facts["verdict"]["rules"][0]["name"] == "accuracy_floor"
    assert facts["verdict"]["candidate"]["overall"]["accuracy"]["value"] == pytest.approx(0.8)
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
    assert runs.code == ExitCode.OK
    assert "winner.json is missing" in runs.words
