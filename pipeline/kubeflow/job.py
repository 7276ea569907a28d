"""The DAG as a job for Kubeflow: TFX compiles it, and what TFX cannot express is added."""

import dataclasses
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from components.example_gen.component import digest_source
from pipeline.beam_options import runs_elsewhere
from pipeline.config import PipelineConfig
from pipeline.definition import create_pipeline
from pipeline.kubeflow.bucket import locate
from pipeline.kubeflow.options import SHIPPED_SAMPLE, KubeflowTarget, TrainerResources, find_dataset
from pipeline.kubeflow.step import EXECUTOR
from pipeline.target import KUBEFLOW, Target

COMMAND = ("python", "-m", "pipeline.kubeflow.step")  # the ENTRYPOINT of the Dockerfile
TFX_COMMAND = ("python", "-m", EXECUTOR)  # leaves addresses as they are
UNKNOWN_DIGEST = "unknown"

_Resources = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec


def make_job(config: PipelineConfig, target: KubeflowTarget) -> dict[str, Any]:
    """Compiles the DAG, on this machine alone.

    Args:
        config: As for a run here.
        target: Checked by `check_target`.

    Returns:
        A PipelineJob as JSON, of the pipeline spec 2.1.

    Raises:
        BadDataError: If the shipped sample is meant and is not whole.
    """
    root, tfds_dir = locate(target.pipeline_root), find_dataset(config.data.tfds_dir)
    assert root
    assert tfds_dir
    is_sample = config.data.tfds_dir == SHIPPED_SAMPLE
    cluster = Target(
        platform=KUBEFLOW,
        root=target.pipeline_root,
        tfds_dir=tfds_dir,
        source_digest=digest_source(config.data.tfds_dir) if is_sample else UNKNOWN_DIGEST,
        rejections=0,
        beam_options=target.beam_options,
    )
    pipeline = create_pipeline(dataclasses.replace(config, root=root), cluster)
    _equip_trainer(pipeline, target.trainer)
    runner_config = KubeflowV2DagRunnerConfig(
        default_image=target.image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
    )
    job = KubeflowV2DagRunner(config=runner_config).run(pipeline, write_out=False)
    for name in choose_uncached(cluster):
        job["pipelineSpec"]["root"]["dag"]["tasks"][name]["cachingOptions"] = {"enableCache": False}
    if runs_elsewhere(target.beam_options):
        for name in list_beam_steps(pipeline):
            label = job["pipelineSpec"]["components"][name]["executorLabel"]
            executor = job["pipelineSpec"]["deploymentSpec"]["executors"][label]
            executor["container"]["command"] = list(TFX_COMMAND)  # Beam's workers do not see the mounted buckets
    return job


def list_beam_steps(pipeline: Pipeline) -> list[str]:
    """Names the steps that use Beam."""
    return [each.id for each in pipeline.components if isinstance(each.executor_spec, BeamExecutorSpec)]


def choose_uncached(cluster: Target) -> list[str]:
    """Lists the steps whose result depends on more than their parameters and inputs, which are the cluster's cache key.

    A busy machine may be why a model did not serve, the last push is no input of the Pusher there, and a dataset of
    unknown content may have changed. (TFX turns the cache on or off for all steps together.)
    """
    unknown = ["ExampleGen"] if cluster.source_digest == UNKNOWN_DIGEST else []
    return [*unknown, "ServingValidator", "Pusher"]


def _equip_trainer(pipeline: Pipeline, resources: TrainerResources) -> None:
    """Sets limits, which Kubernetes takes for requests, too, where it is told of no others."""
    spec = _Resources(cpu_limit=resources.cpu, memory_limit=resources.memory_gb)
    if resources.accelerator:
        spec.accelerator.type = resources.accelerator
        spec.accelerator.count = resources.accelerator_count
    trainer = next(component for component in pipeline.components if component.id == "Trainer")
    trainer.with_platform_config(spec)
