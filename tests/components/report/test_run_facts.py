"""Environment, provenance and recipe of a run."""

import dataclasses
import json
import pathlib
import sys

import pytest
from recorded_root import Plan, RecordedRoot

from components.report import environment
from components.report.provenance import Provenance, StepRecord, read_provenance
from components.report.recipe import read_recipe
from pipeline.config import QUICK


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/venv/bin/tokenlearner", "run", "--root", "a b"], "tokenlearner run --root 'a b'"),
        (["/src/pipeline/__main__.py", "run"], "tokenlearner run"),
        (["/venv/bin/tfx", "run", "create"], "tfx run create"),
    ],
)
def test_the_environment_is_kept_with_the_command_as_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, arguments: list[str], command: str
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    found = environment.describe_environment()
    assert found.command == command
    assert found.packages["jinja2"].startswith("3.")
    assert "GiB of memory" in (found.machine or "")
    assert environment.read_environment(tmp_path / "environment.json") is None
    environment.write_environment(found, tmp_path / "environment.json")
    assert environment.read_environment(tmp_path / "environment.json") == found


def test_provenance_names_the_run_that_did_the_work(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="first"))
    root.record(Plan(run_id="second", cached_until="Transform", stops_in="Evaluator"))
    path = root.path / "metadata.sqlite"
    assert read_provenance(root.path / "missing.sqlite", None) is None
    found = read_provenance(path, None, skip=["Schema"])
    assert found
    assert found.run_id == "second"
    states = {step.name: (step.state, step.run_id, step.seconds is None) for step in found.steps}
    steps = ("ExampleGen", "ExampleValidator", "DataGate", "Transform", "Trainer", "LiteConverter", "Evaluator")
    assert tuple(states) == steps
    assert states["ExampleGen"] == ("cached", "first", False)
    assert states["Trainer"] == ("complete", "second", False)
    assert states["Evaluator"] == ("running", "second", True)
    assert found.steps[0].parameters == {"source_digest": "cafe"}
    examples, model = root.artifact("examples"), root.artifact("model")
    artifacts = {artifact.id: artifact for artifact in found.artifacts}
    assert list(artifacts) == sorted(artifacts)
    assert (artifacts[examples.id].step, artifacts[examples.id].run_id) == ("ExampleGen", "first")
    trained = artifacts[model.id]
    assert (trained.kind, trained.step, trained.run_id) == ("Model", "Trainer", "second")
    assert trained.folder == pathlib.PurePath(model.uri).name
    read = {root.artifact(key).id for key in ("examples", "schema", "transform_graph")}
    assert set(trained.sources) == read
    first = read_provenance(path, "first")
    assert first
    assert (first.run_id, first.steps[-1].name) == ("first", "Pusher")


def test_a_recipe_that_another_version_recorded_is_left_out() -> None:
    recorded = dataclasses.asdict(QUICK.trainer(code_digest=""))
    recipes = []
    for config in (recorded, {name: value for name, value in recorded.items() if name != "fit"}):
        step = StepRecord(
            name="Trainer",
            state="complete",
            seconds=1.0,
            run_id="run-1",
            parameters={"custom_config": json.dumps({"trainer": config})},
        )
        recipes.append(read_recipe(Provenance(run_id="run-1", began="2026-01-02", steps=(step,), artifacts=()), 4000))
    assert recipes[0]
    assert recipes[0].config.fit == QUICK.fit
    assert recipes[1] is None
