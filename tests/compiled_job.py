"""The pipeline as Kubeflow gets it, compiled without a network and read back."""

import dataclasses
import json
import pathlib
import socket
from typing import Any

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from rich.console import Console
from sample_slice import PROJECT

from pipeline.config import QUICK, PipelineConfig
from pipeline.kubeflow.job import compile_pipeline
from pipeline.kubeflow.options import KubeflowTarget, TrainerResources, check_target

Artifacts = dict[tuple[str, str], dict[str, Any]]  # by step and output

IMAGE = "europe-docker.pkg.dev/project/repository/tokenlearner:1"


@dataclasses.dataclass(frozen=True)
class CompiledJob:
    """The file, parsed by Kubeflow's own messages."""

    job: Any  # PipelineJob
    spec: Any  # PipelineSpec
    deployment: Any  # PipelineDeploymentConfig
    said: str  # on the screen

    @property
    def containers(self) -> dict[str, Any]:
        """The container of each step."""
        return {
            step: self.deployment.executors[component.executor_label].container
            for step, component in self.spec.components.items()
            if self.deployment.executors[component.executor_label].HasField("container")
        }

    @property
    def uncached(self) -> set[str]:
        """Steps that never come from the cache; resolvers have none."""
        tasks = self.spec.root.dag.tasks
        return {step for step in self.containers if not tasks[step].caching_options.enable_cache}

    def parameters(self, step: str) -> dict[str, Any]:
        """Returns the parameters of a step."""
        parameters = self.spec.root.dag.tasks[step].inputs.parameters
        return {name: json_format.MessageToDict(value.runtime_value.constant) for name, value in parameters.items()}


def compile_job(
    folder: pathlib.Path,
    config: PipelineConfig = QUICK,
    root: str = "gs://bucket/runs",
    beam_options: tuple[str, ...] = (),
    dataset_address: str | None = None,
    **resources: Any,
) -> CompiledJob:
    """Compiles into a folder; a connection to the network fails."""

    def reject(*_: object) -> None:
        raise AssertionError("the compilation connects to the network")

    target = KubeflowTarget(
        image=IMAGE,
        pipeline_root=root,
        output=folder / "pipeline.json",
        dataset_address=dataset_address,
        trainer=TrainerResources(**resources),
    )
    console = Console(width=200)
    with pytest.MonkeyPatch.context() as patch, console.capture() as said:
        patch.setattr(socket.socket, "connect", reject)
        patch.chdir(PROJECT)
        check_target(config, target)
        compile_pipeline(config, target, beam_options, console)
    return read_job(target.output, said.get())


def read_job(file: pathlib.Path, said: str) -> CompiledJob:
    """Reads the file that was written."""
    job = json_format.Parse(file.read_text(), pipeline_spec_pb2.PipelineJob())
    spec, deployment = pipeline_spec_pb2.PipelineSpec(), pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(json_format.MessageToDict(job.pipeline_spec), spec)
    json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), deployment)
    return CompiledJob(job, spec, deployment, said)


def make_invocation(compiled: CompiledJob, step: str, made: Artifacts) -> tuple[dict[str, Any], list[str]]:
    """Returns an ExecutorInput as Vertex AI fills it in, and the arguments of the step's container with it."""
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
    invocation = {
        "inputs": {"artifacts": inputs, "parameterValues": compiled.parameters(step)},
        "outputs": {"artifacts": outputs, "outputFile": f"{folder}/executor_output.json"},
    }
    return invocation, [json.dumps(invocation) if each == "{{$}}" else each for each in compiled.containers[step].args]
