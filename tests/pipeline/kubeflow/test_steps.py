"""All steps of a compiled pipeline, one after the other by the image's entry, with a folder for the bucket."""

import dataclasses
import graphlib
import json
import pathlib

import pytest
from compiled_job import Artifacts, CompiledJob, compile_job, make_invocation

from pipeline.config import QUICK, PipelineConfig
from pipeline.kubeflow.step import run_step


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_cluster_could_run_every_step_to_a_pushed_model(slice_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    mount = tmp_path / "mount"
    compiled = compile_job(tmp_path, _make_tiny(slice_dir), root=str(mount / "bucket" / "runs"))
    made: Artifacts = {}
    for step in _order(compiled):
        invocation, arguments = make_invocation(compiled, step, made)
        assert run_step(arguments, mount) == 0, step
        output = json.loads(_seen(invocation["outputs"]["outputFile"], mount).read_text())
        for key, channel in output["artifacts"].items():
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
    """Sorts the steps by their dependencies, without the cluster's resolvers, which find nothing here."""
    tasks, steps = compiled.spec.root.dag.tasks, compiled.containers.keys()
    return list(
        graphlib.TopologicalSorter({step: steps & set(tasks[step].dependent_tasks) for step in steps}).static_order()
    )


def _seen(address: str, mount: pathlib.Path) -> pathlib.Path:
    return mount / address.removeprefix("gs://")
