"""All steps of a compiled pipeline, one after the other by the image's entry, with a folder for the bucket."""

import graphlib
import json
import pathlib

import pytest
from compiled_job import Artifacts, CompiledJob, compile_job, make_invocation
from sample_slice import Copies
from workplace import Workplace

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
    """Returns a small configuration whose model is pushed even on a busy machine."""
    limits = [f"--serving.max-batch-{size}-{quantile}-seconds=60" for size in (1, 32) for quantile in ("p50", "p95")]
    return Workplace(QUICK.root, tfds_dir, Copies(0)).configure("--evaluation.min-accuracy=0", *limits)


def _order(compiled: CompiledJob) -> list[str]:
    """Sorts the steps by their dependencies, without the cluster's resolvers, which find nothing here."""
    tasks, steps = compiled.spec.root.dag.tasks, compiled.containers.keys()
    return list(
        graphlib.TopologicalSorter({step: steps & set(tasks[step].dependent_tasks) for step in steps}).static_order()
    )


def _seen(address: str, mount: pathlib.Path) -> pathlib.Path:
    return mount / address.removeprefix("gs://")
