"""The DAG as a job for Kubeflow: TFX compiles it, and this module adds what TFX cannot express."""

import dataclasses
import json
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2
from rich.console import Console
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from components.errors import BadDataError, DataFailure
from components.example_gen.component import digest_source
from pipeline.beam_options import runs_elsewhere
from pipeline.config import PipelineConfig
from pipeline.definition import create_pipeline
from pipeline.files import write_whole
from pipeline.kubeflow.options import KubeflowTarget, find_dataset
from pipeline.kubeflow.step import EXECUTOR, locate
from pipeline.target import Target, resolve_latest

COMMAND = ("python", "-m", "pipeline.kubeflow.step")  # the ENTRYPOINT of the Dockerfile
TFX_COMMAND = ("python", "-m", EXECUTOR)  # leaves addresses as they are
_Resources = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
_UNCACHED = ("ServingValidator", "Pusher")  # a busy machine may reject a model; the last push is no input of the Pusher
_DIFFERENCES = """On the cluster, unlike with `tokenlearner run`:
- The baseline is the last blessed model, even if that is the candidate; TFX's own strategy finds it.
- `bless` does not work: the Pusher follows the Evaluator and the ServingValidator.
- ServingValidator and Pusher never come from the cache: a run again pushes the same model as a new version.
- Manifest, model card and report lack lineage and each step's time."""


def compile_pipeline(
    config: PipelineConfig, target: KubeflowTarget, beam_options: tuple[str, ...], console: Console
) -> None:
    """Compiles the DAG on this machine and writes it, completely or not at all.

    Args:
        config: As for a run here, but for its root.
        target: Checked by `check_target`.
        beam_options: Of Beam; they override ours.
        console: Shows the differences to a run here.

    Raises:
        DataFailure: The dataset on this machine is damaged.
    """
    root, tfds_dir = locate(target.pipeline_root), find_dataset(config, target)
    assert root
    assert tfds_dir
    try:
        source_digest = digest_source(config.data.tfds_dir)
    except BadDataError as error:
        raise DataFailure(f"{error}.") from None
    cluster = Target(
        make_baseline=resolve_latest,
        metadata_connection=None,
        root=target.pipeline_root,
        tfds_dir=tfds_dir,
        source_digest=source_digest,
        rejections=0,
        beam_options=beam_options,
    )
    job = _make_job(create_pipeline(dataclasses.replace(config, root=root), cluster), target, beam_options)
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    for name in _UNCACHED:  # TFX sets the cache for all steps together
        tasks[name]["cachingOptions"] = {"enableCache": False}
    with write_whole(target.output) as aside:
        aside.write_text(json.dumps(job, indent=2, sort_keys=True) + "\n")
    written = f"Wrote {target.output}: {len(tasks)} tasks of {config.name} in {target.image}."
    for line in (written, _DIFFERENCES):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _make_job(pipeline: Pipeline, target: KubeflowTarget, beam_options: tuple[str, ...]) -> dict[str, Any]:
    """Returns a PipelineJob as JSON, of the pipeline spec 2.1."""
    # Limits, which Kubernetes also takes as requests.
    resources = _Resources(cpu_limit=target.trainer.cpu, memory_limit=target.trainer.memory_gb)
    if target.trainer.accelerator:
        resources.accelerator.type = target.trainer.accelerator
        resources.accelerator.count = target.trainer.accelerator_count
    steps = {component.id: component for component in pipeline.components}
    steps["Trainer"].with_platform_config(resources)
    runner_config = KubeflowV2DagRunnerConfig(
        default_image=target.image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
    )
    job: dict[str, Any] = KubeflowV2DagRunner(config=runner_config).run(pipeline, write_out=False)
    spec = job["pipelineSpec"]
    for name, component in steps.items() if runs_elsewhere(beam_options) else ():
        if isinstance(component.executor_spec, BeamExecutorSpec):
            executor = spec["deploymentSpec"]["executors"][spec["components"][name]["executorLabel"]]
            executor["container"]["command"] = list(TFX_COMMAND)  # Beam's workers do not see the mounted buckets
    return job
