"""All steps of a compiled pipeline, one after the other by the image's entry, with a folder for the bucket.

The images are imported, of twenty sizes, and their names are such as harm pages, tables and spreadsheets.
"""

import graphlib
import json
import pathlib

import numpy as np
import PIL.Image
import pytest
from compiled_job import Artifacts, CompiledJob, compile_job, make_invocation
from sample_slice import Copies
from workplace import Workplace

from components.artifacts.image_task import read_task
from pipeline.config import QUICK, PipelineConfig
from pipeline.dataset.importer import import_folder
from pipeline.kubeflow.step import run_step

_CLASSES = ('<img src=x onerror=alert(1)>, "$a$"', "=1+1|`ü`\n{{2}}")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_cluster_could_run_every_step_to_a_pushed_model(tmp_path: pathlib.Path) -> None:
    mount = tmp_path / "mount"
    dataset = _import_odd(tmp_path)
    compiled = compile_job(tmp_path, _make_tiny(dataset), root=str(mount / "bucket" / "runs"))
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
    page = (_seen(made["Report", "report"]["uri"], mount) / "report.html").read_text()
    card = (_seen(made["ModelCard", "model_card"]["uri"], mount) / "README.md").read_text()
    task = read_task(mount / "bucket/runs/serving/tokenlearner" / version)
    assert task.class_names == tuple(map(" ".join, map(str.split, _CLASSES)))
    assert "<img src=x" not in page + card
    assert "&lt;img src=x" in page
    assert r"\<img src=x onerror=alert(1)\>" in card
    assert "Ärger" in page  # the name of a file
    for word in ("cifar", "airplane", "32x32", "keras example", "license: apache", "top-5"):
        assert word not in (page + card).lower(), word


def _import_odd(folder: pathlib.Path) -> pathlib.Path:
    """Imports 200 noisy images of two colors."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(_CLASSES):
        (folder / "images" / name).mkdir(parents=True)
        for n in range(100):
            pixels = rng.normal((200 - 60 * label, 60, 80 + 60 * label), 70, (20 + n % 20, 40 - n % 20, 3))
            path = folder / "images" / name / f'=Ärger, "{n}" <b>\n.png'
            PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return import_folder(folder / "images", name="odd", data_dir=folder / "data", skip_unreadable=False)


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
