"""TFX's InfraValidator with TensorFlow Serving in docker: where it stands in the DAG, and what it would send."""

import dataclasses
import pathlib
from typing import Any

import pytest
from google.protobuf import json_format
from tfx.components.infra_validator.request_builder import build_requests
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import infra_validator_pb2

from components.errors import UsageFailure
from pipeline.config import QUICK
from pipeline.definition import create_pipeline
from pipeline.docker_daemon import require_docker
from pipeline.runner.parent import run


def compile_dag(root: pathlib.Path, data: pathlib.Path, *, docker: bool) -> Pipeline:
    """Makes the DAG."""
    serving = dataclasses.replace(QUICK.serving, docker=docker)
    dataset = dataclasses.replace(QUICK.data, tfds_dir=data)
    return create_pipeline(dataclasses.replace(QUICK, root=root, data=dataset, serving=serving))


@pytest.mark.parametrize("docker", [False, True])
def test_the_dag_compiles_with_docker_and_without(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path, docker: bool
) -> None:
    from tfx.dsl.compiler.compiler import Compiler

    compiled = Compiler().compile(compile_dag(tmp_path, slice_dir, docker=docker))
    nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}
    assert ("InfraValidator" in nodes) == docker
    validator, pusher = nodes["ServingValidator"], nodes["Pusher"]
    assert ("InfraValidator" in validator.upstream_nodes) == docker
    assert ("docker_blessing" in validator.inputs.inputs) == docker
    [blessing] = pusher.inputs.inputs["infra_blessing"].channels
    assert blessing.producer_node_query.id == "ServingValidator"


def test_tensorflow_serving_would_get_records_of_the_test_split(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path, model: Any, examples: Any, sample: Any
) -> None:
    dag = compile_dag(tmp_path, slice_dir, docker=True)
    [validator] = [component for component in dag.components if component.id == "InfraValidator"]
    spec = json_format.Parse(validator.exec_properties["request_spec"], infra_validator_pb2.RequestSpec())
    requests = build_requests("tokenlearner", model, examples, spec)
    assert len(requests) == QUICK.serving.records
    assert {request.inputs["examples"].string_val[0] for request in requests} <= set(sample.records)
    assert {request.model_spec.signature_name for request in requests} == {"serving_default"}


def test_no_docker_daemon_is_one_sentence_before_anything_is_made(
    tmp_path: pathlib.Path, slice_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    with pytest.raises(UsageFailure, match=f"serving.docker is on, but no docker daemon answers at {nowhere}; start"):
        require_docker(nowhere)
    monkeypatch.setattr("pipeline.runner.parent.require_docker", lambda: require_docker(nowhere))
    serving = dataclasses.replace(QUICK.serving, docker=True)
    config = dataclasses.replace(
        QUICK, root=tmp_path / "root", data=dataclasses.replace(QUICK.data, tfds_dir=slice_dir), serving=serving
    )
    with pytest.raises(UsageFailure, match="no docker daemon answers"):
        run(config, None)  # type: ignore[arg-type]
    assert not (tmp_path / "root").exists()
