"""All steps of a compiled pipeline, one after the other by the image's entry, with a folder for the bucket."""

import dataclasses
import json
import pathlib
from typing import Any

import pytest
from compiled_job import CompiledJob, compile_job
from google.protobuf import json_format

from pipeline.config import QUICK, PipelineConfig
from pipeline.kubeflow.step import run_step

Artifacts = dict[tuple[str, str], dict[str, Any]]  # by step and output


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_cluster_could_run_every_step_to_a_pushed_model(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    mount = tmp_path / "mount"
    compiled = compile_job(tmp_path, _make_tiny(slice_dir), root=str(mount / "bucket" / "runs"))
    made: Artifacts = {}
    for step in _order(compiled):
        invocation = _invoke(compiled, step, made)
        filled = {"{{$}}": json.dumps(invocation)}
        arguments = [filled.get(argument, argument) for argument in compiled.containers[step].args]
        assert run_step(arguments, mount) == 0, step
        told = json.loads(_seen(invocation["outputs"]["outputFile"], mount).read_text())
        for key, channel in told["artifacts"].items():
            [before], [after] = invocation["outputs"]["artifacts"][key]["artifacts"], channel["artifacts"]
            assert after["uri"] == before["uri"]
            made[step, key] = before | after
    blessing = made["Evaluator", "blessing"]["metadata"]
    assert blessing["blessed"] == 1
    assert blessing["current_model_id"] == made["Trainer", "model"]["name"]
    version = made["Pusher", "pushed_model"]["metadata"]["pushed_version"]
    assert (mount / "bucket/runs/serving/tokenlearner" / version / "saved_model.pb").is_file()
    assert (_seen(made["Report", "report"]["uri"], mount) / "report.html").is_file()


def _make_tiny(tfds_dir: pathlib.Path) -> PipelineConfig:
    """Returns the least that comes to a pushed model."""
    return dataclasses.replace(
        QUICK,
        data=dataclasses.replace(QUICK.data, tfds_dir=tfds_dir),
        model=dataclasses.replace(QUICK.model, dim=16, depth=2, mlp_dims=(16,)),
        search=dataclasses.replace(
            QUICK.search, placements=(1,), token_counts=(4,), reducers=("token_learner",), max_epochs=1, finalists=1
        ),
        fit=dataclasses.replace(QUICK.fit, epochs=1),
        evaluation=dataclasses.replace(QUICK.evaluation, min_accuracy=0.0),
        serving=dataclasses.replace(
            QUICK.serving,
            max_batch_1_p50_seconds=60.0,
            max_batch_1_p95_seconds=60.0,
            max_batch_32_p50_seconds=60.0,
            max_batch_32_p95_seconds=60.0,
        ),
    )


def _order(compiled: CompiledJob) -> list[str]:
    """Lists the steps, each behind those that it depends on; a cluster runs the resolvers, which find nothing here."""
    tasks, ordered = compiled.spec.root.dag.tasks, list[str]()
    while len(ordered) < len(compiled.containers):
        ordered += [
            step
            for step in compiled.containers
            if step not in ordered
            and all(each in ordered for each in tasks[step].dependent_tasks if each in compiled.containers)
        ]
    return ordered


def _invoke(compiled: CompiledJob, step: str, made: Artifacts) -> dict[str, Any]:
    """Returns an ExecutorInput as Vertex AI fills it in, with addresses in a bucket."""
    folder = f"gs://bucket/runs/1/{step}"
    inputs = {}
    for key, source in compiled.spec.root.dag.tasks[step].inputs.artifacts.items():
        found = source.task_output_artifact
        artifact = made.get((found.producer_task, found.output_artifact_key))
        inputs[key] = {"artifacts": [artifact] if artifact else []}
    outputs = {}
    for key, output in compiled.spec.components[step].output_definitions.artifacts.items():
        artifact = {"name": f"projects/1/artifacts/{step}-{key}", "uri": f"{folder}/{key}", "metadata": {}}
        outputs[key] = {"artifacts": [artifact | {"type": json_format.MessageToDict(output.artifact_type)}]}
    return {
        "inputs": {"artifacts": inputs, "parameterValues": compiled.parameters(step)},
        "outputs": {"artifacts": outputs, "outputFile": f"{folder}/executor_output.json"},
    }


def _seen(address: str, mount: pathlib.Path) -> pathlib.Path:
    return mount / address.removeprefix("gs://")
