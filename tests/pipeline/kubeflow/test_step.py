"""The entry of the image, with a folder for the bucket."""

import json
import pathlib
import runpy
import subprocess
import sys

import pytest
from compiled_job import CompiledJob, make_invocation

from pipeline.kubeflow import step
from pipeline.kubeflow.step import EXECUTOR, mount_invocation, run_step, unmount_output

MOUNT = pathlib.Path("/gcs")


def test_a_step_runs_by_the_arguments_of_the_job_and_leaves_addresses(
    compiled: CompiledJob, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TFX's entry runs in this process, which has imported TFX; `test_steps.py` runs all steps as processes."""

    def run_here(command: list[str], *, check: bool) -> "subprocess.CompletedProcess[str]":
        assert (command[:3], check) == ([sys.executable, "-m", EXECUTOR], False)
        monkeypatch.setattr(sys, "argv", command[2:])
        with pytest.raises(SystemExit) as end:
            runpy.run_module(EXECUTOR, run_name="__main__")
        return subprocess.CompletedProcess(command, int(end.value.code or 0))

    monkeypatch.setattr(step.subprocess, "run", run_here)
    invocation, arguments = make_invocation(compiled, "Schema", {})
    assert run_step(arguments, tmp_path) == 0
    seen = tmp_path / "bucket/runs/1/Schema"
    [schema] = json.loads((seen / "executor_output.json").read_text())["artifacts"]["schema"]["artifacts"]
    [planned] = invocation["outputs"]["artifacts"]["schema"]["artifacts"]
    assert (schema["name"], schema["uri"]) == (planned["name"], planned["uri"])
    assert (seen / "schema" / "schema.pbtxt").read_text() == compiled.parameters("Schema")["text"]


def test_a_step_finds_folders_for_addresses_and_our_own_artifact_classes(compiled: CompiledJob) -> None:
    invocation, _ = make_invocation(compiled, "Evaluator", {})
    mounted = mount_invocation(invocation, MOUNT)["outputs"]
    [verdict] = mounted["artifacts"]["verdict"]["artifacts"]
    assert verdict["uri"] == "/gcs/bucket/runs/1/Evaluator/verdict"
    assert "title: components.evaluator.artifact.EvaluationVerdict\n" in verdict["type"]["instanceSchema"]
    assert mounted["outputFile"] == "/gcs/bucket/runs/1/Evaluator/executor_output.json"


def test_a_blessing_names_its_models_as_the_cluster_does() -> None:
    model = {"name": "projects/1/artifacts/42", "uri": "gs://bucket/runs/1/Trainer/model"}
    metadata = {"blessed": 1, "current_model": "/gcs/bucket/runs/1/Trainer/model", "current_model_id": 6.5e18}
    output = {"artifacts": {"blessing": {"artifacts": [{"uri": "/gcs/bucket/blessing", "metadata": metadata}]}}}
    invocation = {"inputs": {"artifacts": {"model": {"artifacts": [model]}, "baseline_model": {"artifacts": []}}}}
    [blessing] = unmount_output(output, invocation, MOUNT)["artifacts"]["blessing"]["artifacts"]
    assert blessing == {
        "uri": "gs://bucket/blessing",
        "metadata": {"blessed": 1, "current_model": model["uri"], "current_model_id": model["name"]},
    }


@pytest.mark.parametrize(("code", "expected"), [(3, 3), (-9, 137)])
def test_a_step_that_fails_ends_with_its_code(code: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess("", code))
    invocation = json.dumps({"outputs": {"outputFile": "/nowhere/executor_output.json"}})
    assert run_step(["--json_serialized_invocation_args", invocation], MOUNT) == expected


def test_a_missing_invocation_is_reported_to_a_person_who_starts_the_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_step(["--help"]) == 2
    assert "--json_serialized_invocation_args is missing" in capsys.readouterr().err
